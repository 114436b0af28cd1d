"""The registry's signature under a model version: what it is called, is made of, and says."""

from __future__ import annotations

import json
from uuid import UUID

from accounts.vault.keys import VaultError
from accounts.vault.purposes import purpose_sign, purpose_verify
from imaging.models import ModelOrigin, ModelVersion

PURPOSE = "registry"
UNSIGNED = "Its entry in the registry is not signed by this installation. Take the model in anew."
FORGED = (
    "Its entry in the registry is not what was signed: name, version, hashes or metadata were"
    " changed past the registry. Take the model in anew."
)


def manifest_sign(model: ModelVersion) -> str:
    """Return the signature over `model` as it is now, as "key id:HMAC"."""
    kid, mac = purpose_sign(PURPOSE, _manifest(model))
    return f"{kid}:{mac.hex()}"


def manifest_problem(model: ModelVersion) -> str:
    """Return why the entry cannot be believed, "" when it can.

    What lies in the models folder is signed when it is registered, and told by its own files
    until then; what was taken in is never believed unsigned.
    """
    if not model.signature:
        return UNSIGNED if model.origin == ModelOrigin.STORE else ""
    kid, _, mac = model.signature.partition(":")
    try:
        holds = purpose_verify(PURPOSE, _manifest(model), UUID(kid), bytes.fromhex(mac))
    except (ValueError, VaultError):
        return FORGED
    return "" if holds else FORGED


def _manifest(model: ModelVersion) -> bytes:
    facts = {
        "name": model.name,
        "version": model.version,
        "sha256": model.sha256,
        "metadata": model.metadata,
    }
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
