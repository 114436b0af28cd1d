"""The one door to the audit trail."""

from __future__ import annotations

from django.apps import apps
from django.db.models import Model


def record(
    actor: Model | None,
    action: str,
    target: Model | None = None,
    *,
    organisation: Model | None = None,
    outcome: str = "ok",
    reason: str = "",
    request_id: str = "",
) -> None:
    """Append `action` on `target` by `actor`, in the caller's transaction.

    The organisation is the target's own unless it is given. No names, no file
    names: `reason` is a code or a sentence without patient data.
    """
    if organisation is None:
        organisation = getattr(target, "organisation", None)
    apps.get_model("accounts", "AuditEvent").objects.create(
        actor=actor if actor is not None and actor.pk else None,
        organisation=organisation,
        action=action,
        target=f"{target._meta.model_name}:{target.pk}" if target is not None else "",
        outcome=outcome,
        reason=reason[:200],
        request_id=request_id,
    )
