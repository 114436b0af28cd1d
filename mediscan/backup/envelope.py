"""PURE: a stream sealed to a public key, which whoever writes it cannot open again.

magic(5) ‖ length(4) ‖ JSON ‖ HPKE ciphertext (RFC 9180: X25519, HKDF-SHA256, AES-256-GCM) of
a fresh 32-byte secret, bound to all before it ‖ blob v1 under that secret. Blob v1
(accounts/vault/blob_format.py) shows every change of a byte, of the order, and of the end.
"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from accounts.vault.blob_format import BlobCipher, BlobWriter, Place
from accounts.vault.cipher import DamagedBlob, fingerprint, new_secret

MAGIC = b"MSBK\x01"
CHUNK_BYTES = 2**20
SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
SEALED_SECRET_BYTES = 32 + 32 + 16  # the sender's half, the secret, its tag
MOST_HEAD_BYTES = 64 * 1024
NOBODY = UUID(int=0)


class NotOurs(ValueError):
    """A file that is no backup, or not for this key; the text says which."""


def key_pair(private: Path, public: Path) -> str:
    """Write a new pair in PEM, the private half for its owner's eyes alone; return its name.

    Raises FileExistsError rather than overwrite either.
    """
    key = X25519PrivateKey.generate()
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    shown = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if public.exists():
        raise FileExistsError(17, "there is such a file already", str(public))
    for path, text, mode in ((private, secret, 0o400), (public, shown, 0o444)):
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(text)
    return name_of(key.public_key())


def public_key(path: Path) -> X25519PublicKey:
    """Read the half that seals. Raises OSError, NotOurs."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except ValueError:
        raise NotOurs(f"{path} holds no public key in PEM") from None
    if not isinstance(key, X25519PublicKey):
        raise NotOurs(f"{path} holds another kind of key: X25519 is needed")
    return key


def private_key(path: Path) -> X25519PrivateKey:
    """Read the half that opens. Raises OSError, NotOurs."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError):
        raise NotOurs(f"{path} holds no private key in PEM without a password") from None
    if not isinstance(key, X25519PrivateKey):
        raise NotOurs(f"{path} holds another kind of key: X25519 is needed")
    return key


def name_of(key: X25519PublicKey) -> str:
    """Name a public key by its fingerprint."""
    return fingerprint(key.public_bytes_raw())


class Sealing(io.RawIOBase):
    """Seals what is written to it; only `finish` makes the file whole."""

    def __init__(self, file: BinaryIO, to: X25519PublicKey, backup: UUID, head: dict[str, Any]):
        self._file, self._is_given_up = file, False
        said = json.dumps(head | {"backup": str(backup), "key": name_of(to)}).encode()
        before, secret = MAGIC + len(said).to_bytes(4, "big") + said, new_secret()
        self._cipher = BlobWriter(backup, secret, Place(NOBODY, backup, 1), CHUNK_BYTES)
        file.write(before + SUITE.encrypt(secret, to, before) + self._cipher.header)

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:  # type: ignore[override]  # a buffer of bytes
        if not self._is_given_up:
            self._file.write(self._cipher.update(bytes(data)))
        return len(data)

    def give_up(self) -> None:
        """Write nothing any more: what still wants to be flushed has nowhere to go."""
        self._is_given_up = True

    def finish(self) -> None:
        self._file.write(self._cipher.finish())


def head_of(file: BinaryIO) -> dict[str, Any]:
    """Return what a backup says of itself to everybody. Raises NotOurs."""
    return _head(file)[0]


class Opened(io.RawIOBase):
    """Reads what was sealed, front to back; every byte that it gives is authenticated.

    Raises NotOurs where file or key are others, DamagedBlob where the file was changed or cut.
    """

    def __init__(self, file: BinaryIO, key: X25519PrivateKey) -> None:
        self.head, before = _head(file)
        mine = name_of(key.public_key())
        if self.head["key"] != mine:
            raise NotOurs(f"it is sealed to the key {self.head['key']}, this one is {mine}")
        try:
            secret = SUITE.decrypt(file.read(SEALED_SECRET_BYTES), key, before)
        except (InvalidTag, ValueError):
            raise DamagedBlob("the head of the file was changed") from None
        backup, at, handle = UUID(self.head["backup"]), file.tell(), file.fileno()
        size = os.fstat(handle).st_size - at
        self._cipher = BlobCipher(
            lambda length, offset: os.pread(handle, length, at + offset),
            size, Place(NOBODY, backup, 1), lambda kid: secret,
        )  # fmt: skip
        self._place, self._held = 0, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[override]  # a writable buffer
        if not self._held and self._place < self._cipher.size:
            stop = min(self._place + CHUNK_BYTES, self._cipher.size)
            self._held, self._place = self._cipher.read(self._place, stop), stop
        count = min(len(buffer), len(self._held))
        buffer[:count], self._held = self._held[:count], self._held[count:]
        return count


def _head(file: BinaryIO) -> tuple[dict[str, Any], bytes]:
    start = file.read(len(MAGIC) + 4)
    length = int.from_bytes(start[len(MAGIC) :], "big")
    if not start.startswith(MAGIC) or length > MOST_HEAD_BYTES:
        raise NotOurs("it is no backup of MediScan")
    said = file.read(length)
    try:
        head = json.loads(said)
        UUID(head["backup"]), str(head["key"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotOurs("it is no backup of MediScan") from None
    return head, start + said
