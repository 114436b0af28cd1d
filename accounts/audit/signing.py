"""The keys of the checkpoints: one that signs, those that are believed."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from django.conf import settings

from accounts.audit.chain import key_name
from accounts.vault.keys import key_by_id, purpose_key
from accounts.vault.tables import VaultKey

PURPOSE = "checkpoints"


def signing_key() -> Ed25519PrivateKey:
    """Return AUDIT_SIGNING_KEY, else a key that the vault made for this use alone."""
    seed = settings.AUDIT_SIGNING_KEY or purpose_key(PURPOSE).signing
    return Ed25519PrivateKey.from_private_bytes(seed)


def believed_keys(path: Path | None = None) -> dict[str, Ed25519PublicKey]:
    """Return the public keys by name: that of `path` alone, else our own, old ones included."""
    if path is not None:
        keys = [_read(path)]
    else:
        given = [_read(Path(one)) for one in settings.AUDIT_PUBLIC_KEYS]
        keys = [signing_key().public_key(), *given, *_retired()]
    return {key_name(key): key for key in keys}


def public_pem() -> str:
    """Return the public half, for whoever verifies elsewhere."""
    key = signing_key().public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _retired() -> list[Ed25519PublicKey]:
    rows = VaultKey.objects.filter(kind=VaultKey.Kind.PURPOSE, purpose=PURPOSE, destroyed_at=None)
    seeds = [key_by_id(row.pk).signing for row in rows]
    return [Ed25519PrivateKey.from_private_bytes(seed).public_key() for seed in seeds]


def _read(path: Path) -> Ed25519PublicKey:
    key = load_pem_public_key(path.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"{path} holds no Ed25519 public key")
    return key
