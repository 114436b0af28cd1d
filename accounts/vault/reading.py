"""Encrypted files on their way out: any range, opened in memory, authenticated byte by byte."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from types import TracebackType
from typing import BinaryIO, Self
from uuid import UUID

from accounts.vault.blob_format import HEADER, BlobCipher, Place, kid_of
from accounts.vault.cipher import DamagedBlob, VaultError
from accounts.vault.damage import damage_note
from accounts.vault.keys import KeyDestroyed, key_by_id
from accounts.vault.staging import blob_path
from accounts.vault.tables import Blob

OPENINGS = 10  # more rotations than may pass between a row and its file

logger = logging.getLogger(__name__)


class BlobReader:
    """The plain content of one blob. Raises DamagedBlob for what is not as it was written.

    Safe between threads. Closes its file at the end of a `with` block, or when
    it is no longer used.
    """

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        with _told(blob):
            self._file = _opened(blob)
            self._cipher = BlobCipher(
                partial(_pread, self._file.fileno()),
                os.fstat(self._file.fileno()).st_size,
                Place(blob.organisation_id, blob.pk, blob.version),
                lambda kid: key_by_id(kid).wrapping,
            )
            if self._cipher.size != blob.size:
                raise DamagedBlob(f"{self._cipher.size} bytes are there, not {blob.size}")
        self.size: int = blob.size
        self.chunk_size = self._cipher.chunk_size

    def read_range(self, start: int, stop: int) -> bytes:
        """Return the bytes [start, stop), fewer at the end of the content."""
        start, stop = self._bounds(start, stop)
        with _told(self._blob):
            return self._cipher.read(start, stop)

    def read(self) -> bytes:
        return self.read_range(0, self.size)

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Return the bytes [start, stop) piece by piece; the first is opened before it returns.

        So damage at the start is an exception while an answer can still say so.
        """
        start, stop = self._bounds(start, self.size if stop is None else stop)
        pieces = self._pieces(start, stop)
        first = next(pieces, None)
        return iter(()) if first is None else chain((first,), pieces)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if file := getattr(self, "_file", None):
            file.close()

    def _pieces(self, start: int, stop: int) -> Iterator[bytes]:
        with _told(self._blob):
            yield from self._cipher.chunks(start, stop)

    def _bounds(self, start: int, stop: int) -> tuple[int, int]:
        if start < 0 or stop < 0:
            raise ValueError(f"a range counts from the start: {start} to {stop}")
        return start, min(stop, self.size)


def blob_kid(blob: Blob) -> UUID:
    """Return the id of the key under which the file lies now. Raises DamagedBlob."""
    with _opened(blob) as file:
        return kid_of(_pread(file.fileno(), HEADER.size, 0))


def _opened(blob: Blob) -> BinaryIO:
    """Open the version that the row names; a row read before a rotation is read once more."""
    for _ in range(OPENINGS):
        try:
            return blob_path(blob.pk, blob.version).open("rb", buffering=0)
        except FileNotFoundError:
            newer = Blob.objects.filter(pk=blob.pk).exclude(version=blob.version).first()
        if newer is None:
            break
        blob.version, blob.patient_id = newer.version, newer.patient_id
    raise DamagedBlob("the file is missing")


def _pread(handle: int, length: int, offset: int) -> bytes:
    """Read `length` bytes at `offset`, fewer at the end: what is missing does not authenticate."""
    parts = []
    while length > 0 and (part := os.pread(handle, length, offset)):
        parts.append(part)
        offset, length = offset + len(part), length - len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


@contextmanager
def _told(blob: Blob) -> Iterator[None]:
    """Log what the vault refuses to open, by id alone, tell the trail, and let it through."""
    try:
        yield
    except KeyDestroyed:  # erased on purpose
        raise
    except VaultError as error:
        logger.error("vault: blob %s cannot be read: %s", blob.pk, error)
        damage_note(blob, "file")
        raise
