"""The states of a model version: who is served, who is kept out, and why."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import AuditEvent, User
from accounts.roles import ADMINISTRATOR
from accounts.services.notices import notice_send_to_role
from accounts.services.outbox import event_note
from imaging.inference.metadata_card import card_missing
from imaging.models import ModelState, ModelVersion
from imaging.services.refusals import NotPossible

SERVABLE = (ModelState.CHECKED, ModelState.RETIRED)


@transaction.atomic
def model_activate(*, user: User | None, model: ModelVersion) -> ModelVersion:
    """Let a checked model be chosen. One that is active stays so. Raises: NotPossible."""
    if model.state == ModelState.ACTIVE:
        return model
    if model.state not in SERVABLE or model.problem:
        raise NotPossible(
            _("%(model)s cannot be activated: %(why)s")
            % {"model": model, "why": model.problem or model.get_state_display()}
        )
    if missing := card_missing(model.metadata.get("card", {})):
        raise NotPossible(
            _("%(model)s cannot be activated: its card does not say %(what)s.")
            % {"model": model, "what": ", ".join(missing)}
        )
    return _move(model, ModelState.ACTIVE, user=user)


@transaction.atomic
def model_retire(*, user: User | None, model: ModelVersion, problem: str = "") -> ModelVersion:
    """Take a model out of choice; runs that used it keep their results."""
    return _move(model, ModelState.RETIRED, user=user, problem=problem)


@transaction.atomic
def model_quarantine(*, model: ModelVersion, problem: str) -> ModelVersion:
    """Keep a model out because its files are not what was registered; others serve on."""
    return _move(model, ModelState.QUARANTINED, problem=problem)


@transaction.atomic
def model_draft(*, model: ModelVersion, problem: str) -> ModelVersion:
    """Keep a new model out until what `problem` names is mended."""
    return _move(model, ModelState.DRAFT, problem=problem)


@transaction.atomic
def model_readmit(*, model: ModelVersion, user: User | None = None) -> ModelVersion:
    """Take a model back whose files are again exactly those that were registered."""
    return _move(model, ModelState.CHECKED, user=user)


def was_active(model: ModelVersion) -> bool:
    """Say whether the version ever served: from then on it never changes."""
    return AuditEvent.objects.filter(
        target=f"modelversion:{model.pk}", action=f"model.{ModelState.ACTIVE}"
    ).exists()


def _move(
    model: ModelVersion, state: ModelState, *, user: User | None = None, problem: str = ""
) -> ModelVersion:
    if (model.state, model.problem) == (state, problem[:500]):
        return model
    model.state, model.problem = state, problem[:500]
    model.save(update_fields=["state", "problem"])
    outcome = "failed" if state == ModelState.QUARANTINED else "ok"
    audit.record(user, f"model.{state}", model, outcome=outcome, reason=problem)
    if state == ModelState.ACTIVE:
        event_note("model.activated", {"model": model.pk}, organisation_id=None)
    if state == ModelState.QUARANTINED:
        facts = {"model": str(model)}
        notice_send_to_role(role=ADMINISTRATOR, kind="model_quarantined", facts=facts)
    return model
