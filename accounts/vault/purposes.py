"""Texts sealed, and bytes signed, for a purpose of the house rather than for an organisation."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from accounts.vault.cipher import bound, seal_text, sealed_kid, unseal_text
from accounts.vault.keys import key_by_id, purpose_key


def purpose_seal(purpose: str, text: str, context: str = "") -> str:
    """Return `text` sealed for `purpose`; it opens only with the same purpose and context."""
    return seal_text(purpose_key(purpose), text, bound("purpose", purpose, context))


def purpose_unseal(purpose: str, sealed: str, context: str = "") -> str:
    """Return the text that `purpose_seal` sealed; DamagedField when anything differs."""
    key = key_by_id(sealed_kid(sealed))
    return unseal_text(key, sealed, bound("purpose", purpose, context))


def purpose_sign(purpose: str, message: bytes) -> tuple[UUID, bytes]:
    """Return the id of the key that signs for `purpose` now, and the HMAC-SHA-256 of `message`."""
    key = purpose_key(purpose)
    return key.kid, _mac(key.signing, purpose, message)


def purpose_verify(purpose: str, message: bytes, kid: UUID, mac: bytes) -> bool:
    """Say whether `mac` is what key `kid` made of `message` for `purpose`."""
    return hmac.compare_digest(_mac(key_by_id(kid).signing, purpose, message), mac)


def purpose_mac(purpose: str, kid: UUID) -> Callable[[bytes], str]:
    """Return what makes the HMACs of key `kid`, in hexadecimal, for who checks a million in a row.

    The key is taken in once; each message begins with a copy of that state.
    """
    keyed = HMAC(key_by_id(kid).signing, SHA256())
    keyed.update(bound("purpose", purpose))
    begin = keyed.copy

    def mac(message: bytes) -> str:
        begun = begin()
        begun.update(len(message).to_bytes(4, "big") + message)
        return begun.finalize().hex()

    return mac


def _mac(key: bytes, purpose: str, message: bytes) -> bytes:
    return hmac.new(key, bound("purpose", purpose, message), hashlib.sha256).digest()
