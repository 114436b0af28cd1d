"""The mask of a result that counts, the reader's or the models', as a file of its own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from accounts.models import Blob
from accounts.vault.reading import BlobReader
from accounts.vault.storage import blob_open
from imaging.formats.nifti_mask import encode_nifti
from imaging.formats.png import encode_png
from imaging.models import Image, Result
from imaging.review_page import cut_of
from imaging.services.reviews import latest_review, review_numbered

PNG, NIFTI = "png", "nii.gz"


def mask_file(result: Result, kind: str = "", version: int | None = None) -> tuple[str, bytes]:
    """Return (ending, content) of the binary mask at the threshold that counts, on its own grid.

    A picture gives a PNG of 1 bit, a volume a NIfTI of 0 and 1 on the original affine; `kind`
    NIFTI asks for the latter of a picture too. `version` as of `mask_standing`.
    """
    return _file(result.image, *mask_standing(result, version), kind)


def model_mask_file(result: Result) -> tuple[str, bytes]:
    """Return the same of what the models found at the saved threshold, whatever a reader made."""
    return _file(result.image, map_of(result), result.level)


def mask_standing(result: Result, version: int | None = None) -> tuple[Blob, int]:
    """Return what holds the mask, and from which level on: the reader's, else the result's own.

    version  an earlier version of the verdict than the one that counts.
    """
    review = latest_review(result) if version is None else review_numbered(result, version)
    if review is not None and review.row is not None and review.mask is not None:
        return review.mask, 1
    return map_of(result), cut_of(result, review).level


def map_of(result: Result) -> Blob:
    return result.maps.select_related("blob").get(name="ensemble").blob


def slices_of(content: BlobReader, image: Image) -> Iterator[NDArray[np.uint8]]:
    """Yield a map (Z, Y, X) slice by slice, as it is stored."""
    length = image.height * image.width
    for z in range(image.depth):
        data = content.read_range(z * length, (z + 1) * length)
        yield np.frombuffer(data, np.uint8).reshape(image.height, image.width)


def _file(image: Image, kept: Blob, level: int, kind: str = "") -> tuple[str, bytes]:
    facts = image.facts
    with blob_open(kept) as content:
        if image.depth == 1 and kind != NIFTI:
            (levels,) = slices_of(content, image)
            return PNG, encode_png(levels >= level, level=1)
        masks = (levels >= level for levels in slices_of(content, image))
        return NIFTI, encode_nifti(
            masks, image.shape, affine=facts.get("affine"), spacing=facts.get("spacing_mm")
        )
