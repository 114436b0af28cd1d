"""Files on their way in: encrypted on disk under a key that lives in memory alone."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

BLOCK = 16


class SealedSpool(io.RawIOBase):
    """An anonymous temporary file, written once from start to end, then read anywhere.

    AES-256-CTR under a key of its own that nobody else ever holds: nothing on
    the disk opens after this object is gone. What is kept goes on to the vault,
    which authenticates it.
    """

    def __init__(self) -> None:
        folder = Path(settings.DATA_DIR) / "incoming"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  closed by close()
        self._key, self._nonce = os.urandom(32), int.from_bytes(os.urandom(BLOCK), "big")
        self._cipher = self._at(0)

    def write(self, data) -> int:
        self._file.write(self._cipher.update(bytes(data)))
        return len(data)

    def readinto(self, buffer) -> int:
        sealed = self._file.read(len(buffer))
        buffer[: len(sealed)] = self._cipher.update(sealed)
        return len(sealed)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        place = self._file.seek(offset, whence)
        self._cipher = self._at(place)
        return place

    def tell(self) -> int:
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self._file.close()
            self._key = b""
        super().close()

    def _at(self, place: int) -> CipherContext:
        """The key stream from byte `place` on."""
        counter = (self._nonce + place // BLOCK) % (1 << 128)
        cipher = Cipher(AES256(self._key), CTR(counter.to_bytes(BLOCK, "big"))).encryptor()
        cipher.update(bytes(place % BLOCK))
        return cipher


class SealedUploadHandler(FileUploadHandler):
    """Streams each sent file into a SealedSpool."""

    def new_file(self, *args, **kwargs) -> None:
        super().new_file(*args, **kwargs)
        self.file = UploadedFile(
            file=SealedSpool(),
            name=self.file_name,
            content_type=self.content_type,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile:
        self.file.seek(0)
        self.file.size = file_size
        return self.file

    def upload_interrupted(self) -> None:
        if hasattr(self, "file"):
            self.file.close()
