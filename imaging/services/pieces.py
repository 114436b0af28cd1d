"""The pieces of files that are being sent: each checked by place and hash, and kept encrypted."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import BinaryIO
from uuid import UUID

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.vault.staging import StagedBlob
from accounts.vault.storage import blob_delete, blob_keep
from imaging.formats.budgets import HEAD_BYTES
from imaging.models import ItemStatus, Upload, UploadItem, UploadPart
from imaging.services.items import parts_drop
from imaging.services.quotas import StorageRoom
from imaging.services.refusals import NotPossible
from imaging.services.screening import PARTS, file_screened, head_screened, pieces
from imaging.services.uploads import NO_SPACE, is_no_space
from imaging.types import Refused

PART_BYTES = 8 << 20
OPEN_FOR = timedelta(hours=24)
OFFSET, HASH = "offset", "sha256"  # why a piece was not taken


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a file of an open upload, and what they are said to be."""

    item_id: UUID
    offset: int
    sha256: str
    file: BinaryIO
    size: int


class Closed(Exception):
    """The upload takes no more pieces: it was closed, given up, or nothing came for too long."""


def pieces_take(upload: Upload, sent: Sequence[Piece]) -> list[tuple[UploadItem, str]]:
    """Take pieces in, each with its own outcome: the item as it now is, and the fault or "".

    A piece that is here already is taken again without effect. Raises: Closed;
    NotPossible for a piece that no file of this upload has.
    """
    items = upload.items.in_bulk([piece.item_id for piece in sent])
    room = StorageRoom(upload.organisation)
    taken = []
    for piece in sent:
        item = items.get(piece.item_id)
        if item is None:
            raise NotPossible(_("This file is not one of the upload."))
        item.upload, item.organisation = upload, upload.organisation
        taken.append((item, _taken(item, piece, room)))
    return taken


def unread_refuse(item: UploadItem, refusal: Refused) -> None:
    """End a file that no worker has seen: its bytes go, the receipt says why."""
    unread = UploadItem.objects.filter(
        pk=item.pk, status__in=(ItemStatus.COMING, ItemStatus.WAITING)
    )
    if not unread.update(status=ItemStatus.REFUSED, code=refusal.code[:64], blob=None):
        return
    parts_drop(item)
    blob, item.blob = item.blob, None
    if blob is not None:
        blob_delete(blob)
    item.status, item.code, item.reason = ItemStatus.REFUSED, refusal.code, refusal.sentence
    item.save(update_fields=["reason"])
    audit.record(item.upload.user, "upload.refuse", item, outcome="refused", reason=refusal.code)


def open_end() -> ExpressionWrapper:
    return ExpressionWrapper(Now() + OPEN_FOR, output_field=DateTimeField())


def keep_open(upload: Upload) -> None:
    """Lock the upload for this transaction, a day from now on. Raises: Closed."""
    held = Upload.objects.filter(pk=upload.pk, open_until__gt=Now())
    if not held.update(open_until=open_end()):
        raise Closed


def _taken(item: UploadItem, piece: Piece, room: StorageRoom) -> str:
    if item.status != ItemStatus.COMING:
        return ""  # sent again, since the answer was lost: it is here, or was refused
    if piece.size != min(PART_BYTES, item.size - piece.offset) or piece.offset % PART_BYTES:
        return OFFSET
    if _sha256(piece.file) != piece.sha256:
        return HASH
    try:
        if piece.size == item.size:
            return _take_whole(item, piece, room)
        return _take_part(item, piece, room)
    except Refused as refusal:
        with transaction.atomic():
            keep_open(item.upload)
            unread_refuse(item, refusal)
    except OSError as error:
        if not is_no_space(error):
            raise
        with transaction.atomic():
            keep_open(item.upload)
            unread_refuse(item, Refused("no-space", NO_SPACE))
    return ""


def _take_whole(item: UploadItem, piece: Piece, room: StorageRoom) -> str:
    kind, known = file_screened(item.upload, piece.file, item.name, item.size, room)
    if known is not None:
        with transaction.atomic():
            keep_open(item.upload)
            _turned(item, status=ItemStatus.DUPLICATE, image=known, kind=kind, received=item.size)
        return ""
    with _staged(item, piece, "source") as staged, transaction.atomic():
        keep_open(item.upload)
        if _turned(item, status=ItemStatus.WAITING, kind=kind, received=item.size):
            item.blob = blob_keep(staged)
            item.save(update_fields=["blob"])
        else:
            staged.discard()
    return ""


def _take_part(item: UploadItem, piece: Piece, room: StorageRoom) -> str:
    if piece.offset < item.received:
        same = item.parts.filter(offset=piece.offset, blob__sha256=piece.sha256)
        return "" if same.exists() else HASH
    if piece.offset > item.received:
        return OFFSET
    if piece.offset == 0:
        piece.file.seek(0)
        head_screened(item.upload, piece.file.read(HEAD_BYTES), item.name, item.size)
    room.take(item.size - piece.offset)  # all that is to come, not this piece alone
    received = piece.offset + piece.size
    whole = {"status": ItemStatus.WAITING, "kind": PARTS} if received == item.size else {}
    with _staged(item, piece, "part") as staged, transaction.atomic():
        keep_open(item.upload)
        if not _turned(item, piece.offset, received=received, **whole):
            staged.discard()
            item.refresh_from_db(fields=["received", "status"])
            return OFFSET  # another tab was faster
        UploadPart.objects.create(item=item, offset=piece.offset, blob=blob_keep(staged))
    return ""


def _staged(item: UploadItem, piece: Piece, kind: str) -> StagedBlob:
    staged = StagedBlob(organisation=item.organisation, kind=kind)
    with staged:
        for some in pieces(piece.file):
            staged.write(some)
    return staged


def _turned(item: UploadItem, offset: int | None = None, **fields) -> bool:
    """Change an item that is still coming, and was received as far as `offset`."""
    coming = UploadItem.objects.filter(pk=item.pk, status=ItemStatus.COMING)
    if offset is not None:
        coming = coming.filter(received=offset)
    if not coming.update(**fields):
        return False
    for name, value in fields.items():
        setattr(item, name, value)
    return True


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    for some in pieces(file):
        digest.update(some)
    return digest.hexdigest()
