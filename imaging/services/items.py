"""The files of an upload while they wait: their bytes for the child, and how each ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import audit
from accounts.vault.storage import blob_delete, blob_open
from imaging.formats.sniffing import named
from imaging.models import Image, ItemStatus, Upload, UploadItem
from imaging.services.leases import LeaseLost
from imaging.types import Refused


def upload_held(upload: Upload) -> QuerySet[Upload]:
    """The upload as long as it is still this worker's."""
    return Upload.objects.filter(pk=upload.pk, attempt=upload.attempt, finished_at=None)


def image_known(upload: Upload, sha256: str) -> Image | None:
    """Return the organisation's image of a file with these bytes, or the first of several.

    A PNG or NIfTI sent as another kind of picture is another image, and so is one of which the
    sender wants a second copy.
    """
    kept = Image.objects.filter(organisation=upload.organisation, study__deleted_at=None)
    same = kept.filter(files__source__sha256=sha256)
    if upload.keep_known:
        same = same.filter(source__format="dicom")
    return same.filter(Q(source__format="dicom") | Q(modality=upload.modality)).first()


def item_copied(item: UploadItem, path: Path) -> Path:
    """Write the decrypted file to `path`, which is in a scratch folder."""
    with blob_open(item.blob) as reader, path.open("wb") as file:
        for piece in reader.chunks():
            file.write(piece)
    return path


@transaction.atomic
def items_refuse(items: Sequence[UploadItem], refusal: Refused) -> None:
    """End waiting files with the reason; nothing is left of them but the receipt."""
    for item in items:
        item.reason = named(refusal, item.name).sentence
        item_close(item, ItemStatus.REFUSED, code=refusal.code[:64])
        item.save(update_fields=["reason"])
        audit.record(
            item.upload.user, "upload.refuse", item, outcome="refused", reason=refusal.code
        )


@transaction.atomic
def item_close(item: UploadItem, status: ItemStatus, **fields) -> None:
    """End a waiting item without an image of its own; its blob goes. Raises: LeaseLost."""
    waiting = UploadItem.objects.filter(
        pk=item.pk, status=ItemStatus.WAITING, upload__in=upload_held(item.upload)
    )
    if not waiting.update(status=status, blob=None, **fields):
        raise LeaseLost
    if item.blob is not None:
        blob_delete(item.blob)
    parts_drop(item)
    item.status, item.blob = status, None


@transaction.atomic
def parts_drop(item: UploadItem) -> None:
    """Delete the pieces of a file: their rows now, their bytes on commit."""
    parts = list(item.parts.select_related("blob"))
    item.parts.all().delete()
    for part in parts:
        blob_delete(part.blob)
