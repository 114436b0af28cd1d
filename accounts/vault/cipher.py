"""AES-256-GCM as the vault uses it: keys derived and wrapped, fields sealed, values indexed.

PURE: keys come in as bytes, nothing is looked up. Sources: NIST SP 800-38D
(GCM, 96-bit random nonces: at most 2**32 seals under one key), RFC 5869 (HKDF).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import unicodedata
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES
INDEX_HEX = 32  # 128 bits


class VaultError(Exception):
    """Something of the vault cannot be used; the text names no content."""


class DamagedKey(VaultError):
    """A wrapped key was changed, moved, or wrapped under another key."""


class DamagedField(VaultError):
    """A sealed value was changed, or stands in a row or column that is not its own."""


class DamagedBlob(VaultError):
    """An encrypted file was changed, cut, swapped or rolled back."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is derived from one stored key: a separate key for each use."""

    kid: UUID
    fields: bytes = field(repr=False)
    index: bytes = field(repr=False)
    wrapping: bytes = field(repr=False)
    signing: bytes = field(repr=False)

    @classmethod
    def derived_from(cls, kid: UUID, secret: bytes) -> Key:
        """Separate the uses of `secret`; ValueError unless it has 32 bytes."""
        return cls(
            kid,
            fields=derive(secret, "fields"),
            index=derive(secret, "index"),
            wrapping=derive(secret, "wrapping"),
            signing=derive(secret, "signing"),
        )


def new_secret() -> bytes:
    """Return 32 random bytes."""
    return os.urandom(KEY_BYTES)


def derive(secret: bytes, use: str) -> bytes:
    """Return the 32 bytes of `secret` that serve `use` alone (HKDF-SHA-256)."""
    if len(secret) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(secret)}")
    info = b"mediscan vault v1 " + use.encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(secret)


def fingerprint(secret: bytes) -> str:
    """Name `secret` in 16 hexadecimal digits that tell nothing about it."""
    return derive(secret, "fingerprint")[:8].hex()


def bound(*parts: str | bytes | UUID) -> bytes:
    """Join what a ciphertext is bound to, each part preceded by its length: no two lists agree."""
    encoded = [_part(part) for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def wrap_key(wrapping: bytes, secret: bytes, aad: bytes) -> bytes:
    """Return `secret` encrypted under `wrapping`: nonce ‖ ciphertext ‖ tag, 60 bytes."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(wrapping).encrypt(nonce, secret, aad)


def unwrap_key(wrapping: bytes, wrapped: bytes, aad: bytes) -> bytes:
    """Return the key inside `wrapped`; DamagedKey when it is not this one's."""
    if len(wrapped) != WRAPPED_BYTES:
        raise DamagedKey(f"a wrapped key has {WRAPPED_BYTES} bytes, not {len(wrapped)}")
    try:
        return AESGCM(wrapping).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], aad)
    except InvalidTag:
        raise DamagedKey("a wrapped key was changed or moved") from None


def seal_text(key: Key, text: str, aad: bytes) -> str:
    """Return `v1.kid.nonce.ciphertext` (base64url), readable only with the same key and `aad`."""
    nonce = os.urandom(NONCE_BYTES)
    # surrogatepass: a file name may hold what is not valid Unicode, and comes back as it was
    plain = text.encode("utf-8", "surrogatepass")
    sealed = AESGCM(key.fields).encrypt(nonce, plain, bound("field v1", key.kid, aad))
    return ".".join(["v1", _b64(key.kid.bytes), _b64(nonce), _b64(sealed)])


def sealed_kid(sealed: str) -> UUID:
    """Return the id of the key that `sealed` names; DamagedField when it has no such form."""
    return UUID(bytes=_parsed(sealed)[0])


def unseal_text(key: Key, sealed: str, aad: bytes) -> str:
    """Return the text inside `sealed`; DamagedField when anything about it is not as it was."""
    kid, nonce, ciphertext = _parsed(sealed)
    if kid != key.kid.bytes:
        raise DamagedField("the value is sealed under another key")
    try:
        plain = AESGCM(key.fields).decrypt(nonce, ciphertext, bound("field v1", key.kid, aad))
    except InvalidTag:
        raise DamagedField("a sealed value was changed or moved") from None
    return plain.decode("utf-8", "surrogatepass")


def index_of(index_key: bytes, column: str, value: str) -> str:
    """Return the blind index of `value`: 32 hexadecimal digits, "" for a blank value.

    Case, Unicode form and surrounding blanks (DICOM pads with them) do not count.
    """
    folded = unicodedata.normalize("NFKC", value).casefold()
    folded = unicodedata.normalize("NFKC", folded).strip()
    if not folded:
        return ""
    message = bound(column, folded)
    return hmac.new(index_key, message, hashlib.sha256).hexdigest()[:INDEX_HEX]


def _parsed(sealed: str) -> tuple[bytes, bytes, bytes]:
    parts = sealed.split(".")
    if len(parts) != 4 or parts[0] != "v1":
        raise DamagedField("a sealed value has the form v1.kid.nonce.ciphertext")
    kid, nonce, ciphertext = (_unb64(part) for part in parts[1:])
    if len(kid) != 16 or len(nonce) != NONCE_BYTES or len(ciphertext) < TAG_BYTES:
        raise DamagedField("a sealed value is cut short")
    return kid, nonce, ciphertext


def _part(part: str | bytes | UUID) -> bytes:
    if isinstance(part, UUID):
        return part.bytes
    return part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise DamagedField("a sealed value is not base64url") from None
    if _b64(data) != text:  # one value, one spelling: else a flipped spare bit would pass
        raise DamagedField("a sealed value is not canonical base64url")
    return data
