"""Encrypted files on their way in: written under a temporary name, durable, then published."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import Model

from accounts.vault.blob_format import BlobWriter, Place
from accounts.vault.keys import owner_key

CHUNK_BYTES = 64 * 1024
TEMPORARY = ".tmp"


def blobs_dir() -> Path:
    return Path(settings.DATA_DIR) / "blobs"


def blob_path(blob_id: UUID, version: int) -> Path:
    """Return where a content version lies: blobs/ab/<uuid>.<version>"""
    return blobs_dir() / blob_id.hex[:2] / f"{blob_id}.{version}"


class StagedBlob:
    """A file being encrypted that has no row yet: `write` it, then keep or discard it.

    Leaving its `with` block closes it, or discards it after an error. Nothing of
    it is visible until `publish_all`; what is never kept is removed by the sweep.
    """

    def __init__(
        self,
        *,
        organisation: Model,
        kind: str,
        patient_id: UUID | None = None,
        chunk_size: int = CHUNK_BYTES,
        blob_id: UUID | None = None,
        version: int = 1,
    ) -> None:
        self.id, self.version = blob_id or uuid4(), version
        self.organisation, self.kind, self.patient_id = organisation, kind, patient_id
        self.size = 0
        self._sha256 = hashlib.sha256()
        key = owner_key(organisation.pk, patient_id)
        place = Place(organisation.pk, self.id, version)
        self._cipher = BlobWriter(key.kid, key.wrapping, place, chunk_size)
        self.path = blob_path(self.id, version)
        self._temporary = self.path.with_name(f"{self.path.name}.{uuid4().hex}{TEMPORARY}")
        _make_folder(self.path.parent)
        handle = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(handle, "wb")
        self._file.write(self._cipher.header)

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def write(self, data: bytes) -> None:
        self._sha256.update(data)
        self.size += len(data)
        self._file.write(self._cipher.update(data))

    def close(self) -> None:
        """Write the last chunk and wait until the disk has everything; again: nothing."""
        if not self._file.closed:
            self._file.write(self._cipher.finish())
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def rename(self) -> None:
        """Give the closed file its final name; `publish_all` makes that durable."""
        self.close()
        os.rename(self._temporary, self.path)

    def discard(self) -> None:
        """Remove the file, unless it was published: then it follows its row's transaction."""
        self._temporary.unlink(missing_ok=True)
        with suppress(OSError):  # a full disk: what it could not take is not wanted any more
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.discard()
            return
        try:
            self.close()
        except BaseException:
            self.discard()
            raise


def publish_all(staged: Sequence[StagedBlob]) -> None:
    """Give each closed file its final name, then wait for the disk, once for each folder."""
    for one in staged:
        one.rename()
    for folder in {one.path.parent for one in staged}:
        folder_sync(folder)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder_sync(folder.parent)


def folder_sync(folder: Path) -> None:
    """Wait until the disk holds the names in `folder`: a renamed file survives a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
