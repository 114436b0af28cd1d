"""Writes into the trail which settings of the environment differ from the last start."""

from __future__ import annotations

import hashlib
import json

from django.conf import settings

from accounts import audit
from accounts.audit.record import PURPOSE
from accounts.models import AuditEvent
from accounts.vault.cipher import VaultError
from accounts.vault.purposes import purpose_unseal

ACTION = "configuration.change"
NAMES_CHARS = 170  # of the 200 that a reason holds


def configuration_note(part: str) -> AuditEvent | None:
    """Record what changed since `part` ("site", "worker") last started; None where nothing did.

    Only names stand in the trail. Values, secrets among them, are compared by
    their SHA-256, which itself is kept sealed.
    """
    here, there = _digests(), _last(part)
    if here == there:
        return None
    changed = sorted(name for name in here.keys() | (there or {}).keys()
                     if here.get(name) != (there or {}).get(name))  # fmt: skip
    said = f"{part}: {_listed(changed)}" if there is not None else f"{part}: first start"
    return audit.record(None, ACTION, reason=said, before=there, after=here)


def _digests() -> dict[str, str]:
    return {name: hashlib.sha256(value.encode()).hexdigest()[:32]
            for name, value in settings.SETTINGS_READ().items()}  # fmt: skip


def _last(part: str) -> dict[str, str] | None:
    """Return what the last entry of `part` kept; None without one that can be opened."""
    events = AuditEvent.objects.filter(action=ACTION, reason__startswith=f"{part}: ")
    event = events.order_by("-at").first()
    if event is None:
        return None
    try:
        return json.loads(purpose_unseal(PURPOSE, event.sealed, event.pk.hex))["after"]
    except VaultError:  # verify_audit names the row; here everything counts as changed
        return {}


def _listed(names: list[str]) -> str:
    text = ", ".join(names)
    if len(text) <= NAMES_CHARS:
        return text
    kept = text[:NAMES_CHARS].rpartition(",")[0]
    return f"{kept} and {len(names) - kept.count(',') - 1} more"
