"""The key-encryption key: what wraps the keys of purposes and organisations.

Three doors, one shape: VAULT_KEK wraps and opens; VAULT_KEK_ALSO opens alone, so that
a rotation has two; VAULT_KMS names a key that never comes into this process.
"""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from typing import Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from accounts.vault.cipher import (
    KEY_BYTES,
    DamagedKey,
    derive,
    fingerprint,
    unwrap_key,
    wrap_key,
)


class Kek(Protocol):
    """What VAULT_KMS must name: a class without arguments whose instances do this.

    `name` is stored beside all it wraps: at most 32 characters, another for another key.
    `unwrap` raises DamagedKey for what was changed, or wrapped for another `aad`.
    """

    name: str

    def wrap(self, secret: bytes, aad: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes: ...


class LocalKek:
    """32 bytes in the memory of this process, named by their fingerprint."""

    def __init__(self, secret: bytes) -> None:
        self.name = fingerprint(secret)
        self._wrapping = derive(secret, "wrapping")

    def wrap(self, secret: bytes, aad: bytes) -> bytes:
        return wrap_key(self._wrapping, secret, aad)

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        return unwrap_key(self._wrapping, wrapped, aad)


def current_kek() -> Kek:
    """Return the key that wraps what is new: the KMS's where there is one, else VAULT_KEK."""
    if settings.VAULT_KMS:
        return _kms(settings.VAULT_KMS)
    return _local("VAULT_KEK", settings.VAULT_KEK)


def kek_named(name: str) -> Kek:
    """Return the key that wrapped something; DamagedKey when none of ours has this name."""
    keks = all_keks()
    for kek in keks:
        if kek.name == name:
            return kek
    raise DamagedKey(
        f"wrapped under KEK {name}; the settings give {', '.join(kek.name for kek in keks)}."
        " Start with the VAULT_KEK of this database, or give it as VAULT_KEK_ALSO."
    )


def all_keks() -> list[Kek]:
    """Return every key that opens; the first one wraps."""
    keks = [current_kek()]
    if settings.VAULT_KMS and settings.VAULT_KEK:  # on the way from one to the other
        keks.append(_local("VAULT_KEK", settings.VAULT_KEK))
    if settings.VAULT_KEK_ALSO:
        keks.append(_local("VAULT_KEK_ALSO", settings.VAULT_KEK_ALSO))
    return keks


def _local(setting: str, value: object) -> LocalKek:
    try:
        secret = base64.b64decode(value, validate=True) if isinstance(value, str) else value
    except binascii.Error:
        secret = b""
    if not isinstance(secret, bytes) or len(secret) != KEY_BYTES:
        raise ImproperlyConfigured(f"{setting} must be {KEY_BYTES} bytes; see .env.example.")
    return _held(secret)


@lru_cache(maxsize=4)
def _held(secret: bytes) -> LocalKek:
    return LocalKek(secret)


@lru_cache(maxsize=2)
def _kms(dotted: str) -> Kek:
    try:
        kek = import_string(dotted)()
    except ImportError as error:
        raise ImproperlyConfigured(f"VAULT_KMS={dotted}: {error}") from None
    if not kek.name or len(kek.name) > 32:
        raise ImproperlyConfigured(f"VAULT_KMS={dotted}: its key's name has 1 to 32 characters.")
    return kek
