"""The labels of pictures by MONAI Label's tags: `original` by the models, `final` if signed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from imaging.mask_files import mask_standing
from imaging.models import Decision, Result, Review
from imaging.monai_label.files import NRRD, found_file, label_names, mask_file_as
from imaging.selectors import results_visible_to

ORIGINAL, FINAL = "original", "final"
Labels = dict[UUID, dict[str, Result | Review]]  # by image and tag


def labels_of(user, images: Iterable[UUID]) -> Labels:
    """Return what `user` may see marked: each picture's newest result, and newest signature on it.

    A picture whose newest signature rejects has no final label.
    """
    results = results_visible_to(user).filter(image__in=list(images), type="segmentation")
    rows = list(results.defer("table", "ranges", "slices").order_by("created_at", "pk"))
    found: Labels = {}
    for result in rows:
        if result.is_analysed:
            found.setdefault(result.image_id, {})[ORIGINAL] = result
    signed = Review.objects.filter(result__in=[one.pk for one in rows], signed_at__isnull=False)
    for review in signed.select_related("result__image").order_by("signed_at", "number"):
        tags = found.setdefault(review.result.image_id, {})
        tags.pop(FINAL, None)
        if review.decision != Decision.REJECTED:
            tags[FINAL] = review
    return {image: tags for image, tags in found.items() if tags}


def label_told(label: Result | Review) -> dict[str, Any]:
    """Return what the list of pictures says of one label."""
    is_final = isinstance(label, Review)
    result = label.result if is_final else label
    told = {
        "ts": int((label.signed_at if is_final else label.created_at).timestamp()),
        "model": result.job.run.title if not is_final else "",
        "params": {"label_names": names_of(label), "result": str(result.pk)},
    }
    return {"ext": NRRD, "info": told}


def names_of(label: Result | Review) -> dict[str, int]:
    """Return the values in the file by name; a reader's mask is of one value."""
    if isinstance(label, Review):
        return {" / ".join(label.result.labels) or "finding": 1}
    return label_names(label)


def label_file(label: Result | Review) -> bytes:
    """Return the label map as NRRD on the picture's own grid."""
    if isinstance(label, Review):
        return mask_file_as(label.result, *mask_standing(label.result, label.number), NRRD)
    return found_file(label, NRRD)
