"""Slices that come after their series: what is here of it, and what each image then says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accounts.vault.storage import blob_open
from imaging.models import Image, ImageFile, Modality, SourceFile, Upload

JOINED = (
    "%(n)d file(s) of this series came in an earlier upload: this image holds them and those that"
    " came now. The earlier image stays, with its results."
)
FULLER = "More of this series came later: a newer image of %(n)d slices holds this one's too."
APART = (
    "%(n)d file(s) of this series came in an earlier upload. These do not form one volume with"
    " them, so they are an image of their own."
)


@dataclass(frozen=True, slots=True)
class Earlier:
    """An original that is stored of a series, and the study under which it lies."""

    source: SourceFile
    study_uid: str
    sop_instance_uid: str


def earlier_files(upload: Upload, series_uid: str) -> list[Earlier]:
    """Return the stored slices of a series of this organisation, each once.

    Of radiographs none: they are images of their own, however many a series has.
    """
    rows = ImageFile.objects.filter(
        image__organisation=upload.organisation,
        image__study__deleted_at=None,
        image__series__series_instance_uid=series_uid,
        image__modality__in=(Modality.CT, Modality.MRI),
        source__format="dicom",
    )
    found: dict[object, Earlier] = {}
    for row in rows.select_related("source__blob", "image__study").order_by("pk"):
        one = Earlier(row.source, row.image.study.study_instance_uid, row.sop_instance_uid)
        found.setdefault(row.source_id, one)
    return list(found.values())


def earlier_copied(earlier: Earlier, path: Path) -> None:
    """Write the decrypted original to `path`, which is in a scratch folder."""
    with blob_open(earlier.source.blob) as reader, path.open("wb") as file:
        for piece in reader.chunks():
            file.write(piece)


def earlier_told(images: Sequence[Image], sources: Sequence[SourceFile]) -> None:
    """Let the older images of `sources` say that the new `images` hold their slices too."""
    sentence = FULLER % {"n": max(one.depth for one in images)}
    older = Image.objects.filter(files__source__in=sources)
    for one in older.exclude(pk__in=[image.pk for image in images]).distinct():
        one.warnings = [*(w for w in one.warnings if not w.startswith(FULLER[:30])), sentence]
        one.save(update_fields=["warnings"])
