"""Blob v1, the format of an encrypted file: written as a stream, read at any place.

PURE. header = magic(4) version(1) algorithm(1) kid(16) wrapped file key(60)
chunk size(4) nonce prefix(7); then the content in chunks, each ciphertext ‖ tag.
Nonce = prefix ‖ counter(4) ‖ last(1), last = 1 for the final chunk alone: a cut
file has none. AAD of each chunk = SHA-256(header) ‖ organisation ‖ blob ‖
content version, as the row says: another file, place or version does not open.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from accounts.vault.cipher import (
    TAG_BYTES,
    DamagedBlob,
    DamagedKey,
    bound,
    new_secret,
    unwrap_key,
    wrap_key,
)

MAGIC = b"MSB\x01"
VERSION = 1
AES_256_GCM = 1
HEADER = struct.Struct(">4sBB16s60sI7s")
PREFIX_BYTES = 7
MAX_CHUNK_BYTES = 16 * 2**20
MAX_CHUNKS = 2**32


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file belongs, as its row says."""

    organisation: UUID
    blob: UUID
    version: int

    def aad(self) -> bytes:
        return self.organisation.bytes + self.blob.bytes + self.version.to_bytes(4, "big")


class BlobWriter:
    """Encrypt one content: write `header`, each `update`, `finish`, in this order."""

    def __init__(self, kid: UUID, wrapping: bytes, place: Place, chunk_size: int) -> None:
        if not 1 <= chunk_size <= MAX_CHUNK_BYTES:
            raise ValueError(f"chunk_size must be 1 to {MAX_CHUNK_BYTES}, not {chunk_size}")
        secret = new_secret()
        self._prefix = os.urandom(PREFIX_BYTES)
        self.header = HEADER.pack(
            MAGIC, VERSION, AES_256_GCM, kid.bytes,
            wrap_key(wrapping, secret, _key_aad(kid, place)), chunk_size, self._prefix,
        )  # fmt: skip
        self._cipher = AESGCM(secret)
        self._aad = _chunk_aad(self.header, place)
        self._chunk_size = chunk_size
        self._counter = 0
        self._held = bytearray()  # up to one whole chunk: it may turn out to be the last

    def update(self, data: bytes) -> bytes:
        """Return the ciphertext of the chunks that `data` completes, perhaps none."""
        self._held += data
        count = max(0, len(self._held) - 1) // self._chunk_size
        with memoryview(self._held) as held:
            sealed = [
                self._sealed(held[n * self._chunk_size : (n + 1) * self._chunk_size], last=False)
                for n in range(count)
            ]
        del self._held[: count * self._chunk_size]
        return b"".join(sealed)

    def finish(self) -> bytes:
        """Return the last chunk, empty when the content is."""
        return self._sealed(self._held, last=True)

    def _sealed(self, plain: memoryview | bytearray, *, last: bool) -> bytes:
        if self._counter >= MAX_CHUNKS:
            raise ValueError(f"the content needs more than {MAX_CHUNKS} chunks")
        nonce = _nonce(self._prefix, self._counter, last=last)
        self._counter += 1
        return self._cipher.encrypt(nonce, plain, self._aad)


class BlobCipher:
    """Open chunks of one encrypted file; every byte it returns is authenticated.

    `pread(length, offset)` reads the file. The last chunk is opened at once: it
    vouches for the header and the length. Raises DamagedBlob for whatever is wrong.
    """

    def __init__(
        self,
        pread: Callable[[int, int], bytes],
        file_size: int,
        place: Place,
        wrapping_of: Callable[[UUID], bytes],
    ) -> None:
        self._pread = pread
        header = pread(HEADER.size, 0)
        kid, wrapped, self.chunk_size, self._prefix = _unpacked(header)
        try:
            secret = unwrap_key(wrapping_of(kid), wrapped, _key_aad(kid, place))
        except DamagedKey as error:
            raise DamagedBlob(f"the file's key does not open: {error}") from None
        self._cipher = AESGCM(secret)
        self._aad = _chunk_aad(header, place)
        self._sealed_size = self.chunk_size + TAG_BYTES
        body = file_size - HEADER.size
        self.chunk_count = -(-body // self._sealed_size)
        self.size = body - self.chunk_count * TAG_BYTES
        if self.chunk_count < 1 or not 0 <= self._last_size() <= self.chunk_size:
            raise DamagedBlob(f"the file's length of {file_size} bytes is impossible")
        if self._last_size() == 0 and self.chunk_count > 1:
            raise DamagedBlob("the file ends in an empty chunk")
        self._open(self.chunk_count - 1, self._pread_chunks(self.chunk_count - 1, 1))

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the plain bytes [start, stop), a chunk at a time, as they are opened."""
        if start >= stop:
            return
        first, final = start // self.chunk_size, (stop - 1) // self.chunk_size
        for number in range(first, final + 1):
            plain = self._open(number, self._pread_chunks(number, 1))
            yield self._cut(plain, number, start, stop)

    def read(self, start: int, stop: int) -> bytes:
        """Return the plain bytes [start, stop), read from the file in one go."""
        if start >= stop:
            return b""
        first, final = start // self.chunk_size, (stop - 1) // self.chunk_size
        sealed = memoryview(self._pread_chunks(first, final - first + 1))
        parts = []
        for number in range(first, final + 1):
            offset = (number - first) * self._sealed_size
            plain = self._open(number, sealed[offset : offset + self._sealed_size])
            parts.append(self._cut(plain, number, start, stop))
        return b"".join(parts)

    def _cut(self, plain: bytes, number: int, start: int, stop: int) -> bytes:
        offset = number * self.chunk_size
        return plain[max(0, start - offset) : stop - offset]

    def _pread_chunks(self, first: int, count: int) -> bytes:
        return self._pread(count * self._sealed_size, HEADER.size + first * self._sealed_size)

    def _open(self, number: int, sealed: bytes | memoryview) -> bytes:
        nonce = _nonce(self._prefix, number, last=number == self.chunk_count - 1)
        try:
            return self._cipher.decrypt(nonce, sealed, self._aad)
        except InvalidTag:
            raise DamagedBlob(f"chunk {number} was changed or moved") from None

    def _last_size(self) -> int:
        return self.size - (self.chunk_count - 1) * self.chunk_size


def kid_of(header: bytes) -> UUID:
    """Return the id of the key that a file's header names. Raises DamagedBlob."""
    return _unpacked(header)[0]


def _unpacked(header: bytes) -> tuple[UUID, bytes, int, bytes]:
    if len(header) != HEADER.size:
        raise DamagedBlob(f"the file ends within its header, after {len(header)} bytes")
    magic, version, algorithm, kid, wrapped, chunk_size, prefix = HEADER.unpack(header)
    if (magic, version, algorithm) != (MAGIC, VERSION, AES_256_GCM):
        raise DamagedBlob("the file is not a blob of version 1 under AES-256-GCM")
    if not 1 <= chunk_size <= MAX_CHUNK_BYTES:
        raise DamagedBlob(f"the file claims chunks of {chunk_size} bytes")
    return UUID(bytes=kid), wrapped, chunk_size, prefix


def _key_aad(kid: UUID, place: Place) -> bytes:
    return bound("file key v1", kid, place.aad())


def _chunk_aad(header: bytes, place: Place) -> bytes:
    return hashlib.sha256(header).digest() + place.aad()


def _nonce(prefix: bytes, counter: int, *, last: bool) -> bytes:
    return prefix + counter.to_bytes(4, "big") + bytes([last])
