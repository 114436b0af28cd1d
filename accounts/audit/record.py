"""The one door to the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import Model

from accounts.audit.actions import action_named
from accounts.audit.context import facts
from accounts.audit.rows import canonical, canonical_json
from accounts.audit.tables import AuditEvent
from accounts.tracing import current_request_id
from accounts.vault.keys import purpose_key
from accounts.vault.purposes import purpose_seal, purpose_sign

PURPOSE = "audit"


def record(
    actor: Model | None,
    action: str,
    target: Model | None = None,
    *,
    organisation: Model | None = None,
    outcome: str = "ok",
    reason: str = "",
    request_id: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Append `action` on `target` by `actor`, in the caller's transaction: no audit, no change.

    The organisation is the target's own unless it is given; address, session,
    role and request come from the context. `before` and `after` are kept as
    keyed hashes, with the values sealed beside. No names, no file names:
    `reason` is a code or a sentence without patient data. Raises ValueError for
    an action that accounts/audit/actions.py does not declare.
    """
    kind, here = action_named(action), facts.get()
    actor = actor if actor is not None and actor.pk else None
    organisation = organisation or getattr(target, "organisation", None)
    event = AuditEvent(
        actor=actor,
        role=here.acting_as(actor)[:128],
        organisation=organisation,
        ip=here.ip,
        session=here.session,
        request_id=request_id or here.request_id or current_request_id(),
        action=action,
        dicom=kind.dicom,
        target=f"{target._meta.model_name}:{target.pk}" if target is not None else "",
        patient=getattr(target, "vault_patient_id", None),
        outcome=outcome,
        reason=reason[:200],
        version=settings.VERSION,
    )
    _keep_values(event, before, after)
    _signed(event).save(force_insert=True)
    return event


def _signed(event: AuditEvent) -> AuditEvent:
    """Put the row's HMAC beside it, and the id of its key into it."""
    event.kid = purpose_key(PURPOSE).kid
    event.hmac = purpose_sign(PURPOSE, canonical(event.as_text()))[1].hex()
    return event


def _keep_values(event: AuditEvent, before: Mapping | None, after: Mapping | None) -> None:
    """Write keyed hashes of both states; the values themselves only sealed."""
    if before is None and after is None:
        return
    states = {"before": before, "after": after}
    for name, values in states.items():
        if values is not None:
            signed = purpose_sign(PURPOSE, b"state" + canonical_json(values))[1]
            setattr(event, name, signed.hex())
    event.sealed = purpose_seal(PURPOSE, canonical_json(states).decode(), event.pk.hex)
