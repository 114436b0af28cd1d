"""A file that came in pieces becomes one again, read and encrypted piece by piece."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

from django.db import transaction

from accounts.vault.reading import BlobReader
from accounts.vault.staging import StagedBlob
from accounts.vault.storage import blob_keep, blob_open
from imaging.models import ItemStatus, UploadItem, UploadPart
from imaging.services.items import item_close, parts_drop, upload_held
from imaging.services.leases import LeaseLost
from imaging.services.quotas import StorageRoom
from imaging.services.screening import file_screened, pieces
from imaging.types import Refused

GAP = "Not all of this file is here. Send it again."


def item_join(item: UploadItem, keeper: Callable[[], None]) -> None:
    """Make of the pieces the one file, or find that it is here already.

    Raises: Refused for what can be refused without decoding; LeaseLost.
    """
    parts = list(item.parts.select_related("blob__organisation"))
    if sum(part.blob.size for part in parts) != item.size:
        raise Refused("incomplete", GAP)
    file = io.BufferedReader(_Parts(parts, keeper))
    room = StorageRoom(item.organisation, besides=item.size)
    kind, known = file_screened(item.upload, file, item.name, item.size, room)
    if known is not None:
        item_close(item, ItemStatus.DUPLICATE, image=known)
        return
    with StagedBlob(organisation=item.organisation, kind="source") as staged:
        for piece in pieces(file):
            staged.write(piece)
        with transaction.atomic():
            waiting = UploadItem.objects.filter(
                pk=item.pk, status=ItemStatus.WAITING, upload__in=upload_held(item.upload)
            )
            if not waiting.update(kind=kind):
                raise LeaseLost
            item.kind, item.blob = kind, blob_keep(staged)
            item.save(update_fields=["blob"])
            parts_drop(item)


class _Parts(io.RawIOBase):
    """The pieces of a file, read as the file."""

    def __init__(self, parts: Sequence[UploadPart], keeper: Callable[[], None]) -> None:
        self._parts, self._keeper, self._at = parts, keeper, 0
        self._open: tuple[UploadPart, BlobReader] | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("a file in pieces is sought from its start")
        self._at = offset
        return offset

    def readinto(self, buffer) -> int:
        part = next((one for one in self._parts if self._at < one.offset + one.blob.size), None)
        if part is None:
            return 0
        start = self._at - part.offset
        data = self._reader(part).read_range(start, start + len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _reader(self, part: UploadPart) -> BlobReader:
        if self._open is None or self._open[0] is not part:
            self._keeper()
            if self._open is not None:
                self._open[1].close()
            self._open = (part, blob_open(part.blob))
        return self._open[1]
