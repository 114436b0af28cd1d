"""Receiving files: each is screened, encrypted and listed; the worker reads them later."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterable

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Department, Organisation, User
from accounts.vault.staging import StagedBlob
from accounts.vault.storage import blob_keep
from imaging import queue
from imaging.formats.sniffing import clean_name
from imaging.models import ItemStatus, Modality, Upload, UploadItem
from imaging.services.ingest import INGEST, upload_ingest, uploads_recover
from imaging.services.leases import lease_end
from imaging.services.quotas import StorageRoom
from imaging.services.refusals import NotPossible
from imaging.services.screening import file_screened, pieces
from imaging.types import Refused

__all__ = ["upload_ingest", "upload_receive", "uploads_recover"]

logger = logging.getLogger(__name__)
NO_SPACE = "The server has no room left for files. Ask the administrator, then send it again."


def upload_receive(
    *,
    user: User,
    organisation: Organisation,
    files: Iterable[UploadedFile],
    modality: str = "",
    department: Department | None = None,
    first_volume: bool = False,
    keep_known: bool = False,
    study_instance_uid: str = "",
) -> Upload:
    """Take `files` in, each with its own outcome; what is worth reading waits for the worker.

    first_volume   of a NIfTI file that holds several volumes take the first.
    keep_known     of a picture that is here keep a second copy; a DICOM image is one image.
    study_instance_uid  refuse files of every other study; blank: of none.

    A refused or known file leaves no blob. Raises: NotPossible when there is nothing to take.
    """
    files = list(files)
    if not files:
        raise NotPossible(_("Choose at least one file."))
    if modality and modality not in Modality.values:
        raise NotPossible(_("Choose X-ray, MRI or CT."))
    upload = _begin(
        user,
        organisation,
        department,
        modality=modality,
        first_volume=first_volume,
        keep_known=keep_known,
        study_instance_uid=study_instance_uid,
    )
    room = StorageRoom(organisation)
    for position, file in enumerate(files):
        Upload.objects.filter(pk=upload.pk).update(lease_until=lease_end())
        upload_add(upload, position, file, room)
    return upload_end(upload)


@transaction.atomic
def _begin(
    user: User,
    organisation: Organisation,
    department: Department | None,
    **choice: object,
) -> Upload:
    upload = Upload.objects.create(
        organisation=organisation,
        department=department,
        user=user,
        lease_until=lease_end(),
        **choice,
    )
    audit.record(user, "upload.create", upload)
    return upload


def is_no_space(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


@transaction.atomic
def upload_end(upload: Upload) -> Upload:
    """Let go of the upload and ring for it, if anything waits."""
    if upload.items.filter(status=ItemStatus.WAITING).exists():
        Upload.objects.filter(pk=upload.pk).update(lease_until=None, rung_at=Now())
        queue.enqueue(INGEST, str(upload.pk))
    else:
        Upload.objects.filter(pk=upload.pk).update(lease_until=None, finished_at=now())
    upload.refresh_from_db()
    return upload


def upload_add(upload: Upload, position: int, file: UploadedFile, room: StorageRoom) -> UploadItem:
    """Keep one file of an upload that is not ended, or refuse it; its item says which and why."""
    item = UploadItem(
        organisation=upload.organisation,
        upload=upload,
        position=position,
        name=clean_name(file.name or ""),
        size=file.size,
    )
    try:
        item.kind, known = file_screened(upload, file, item.name, file.size, room)
    except Refused as refusal:
        return _refused(item, refusal)
    if known is not None:
        item.status, item.image = ItemStatus.DUPLICATE, known
        item.save(force_insert=True)
        return item
    try:
        return _stored(item, file)
    except OSError as error:
        if not is_no_space(error):
            raise
        logger.error("upload %s: no space left for files", upload.pk)
        item.blob = None
        return _refused(item, Refused("no-space", NO_SPACE))


@transaction.atomic
def _refused(item: UploadItem, refusal: Refused) -> UploadItem:
    item.status, item.code, item.reason = ItemStatus.REFUSED, refusal.code, refusal.sentence
    item.save(force_insert=True)
    audit.record(item.upload.user, "upload.refuse", item, outcome="refused", reason=refusal.code)
    return item


def _stored(item: UploadItem, file: UploadedFile) -> UploadItem:
    """Encrypt outside the transaction: SQLite has one writer at a time."""
    with StagedBlob(organisation=item.organisation, kind="source") as staged:
        for piece in pieces(file):
            staged.write(piece)
        with transaction.atomic():
            item.blob = blob_keep(staged)
            item.save(force_insert=True)
    return item
