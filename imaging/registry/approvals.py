"""Two yeses: a clinical and a technical one, of two people; then the version serves."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.selectors import user_may
from imaging.inference.metadata import read_metadata
from imaging.models import ModelApproval, ModelState, ModelVersion
from imaging.models.approvals import ApprovalKind
from imaging.registry.manifest import manifest_problem
from imaging.registry.states import model_activate, model_readmit, model_retire, was_active
from imaging.registry.store import folder_of
from imaging.registry.taking import why_not_ready
from imaging.services.refusals import NotPossible

ACTIONS = {
    ApprovalKind.CLINICAL: "model.approve_clinical",
    ApprovalKind.TECHNICAL: "model.approve_technical",
}


@transaction.atomic
def model_approve(*, user: User, model: ModelVersion, kind: str) -> ModelVersion:
    """Say one yes to a checked version; the second, by somebody else, activates it.

    Raises NotPossible for a version that is not checked, a role that may not, whoever added it
    (technical), whoever gave the other yes, and a yes that was given.
    """
    model = ModelVersion.objects.select_for_update().get(pk=model.pk)
    if reason := why_not_approve(user, model, kind):
        raise NotPossible(reason)
    try:
        with transaction.atomic():
            ModelApproval.objects.create(model_version=model, kind=kind, user=user)
    except IntegrityError:
        raise NotPossible(_("This yes was given already, or the other one is yours.")) from None
    audit.record(user, "model.approve", model, reason=kind)
    if model.approvals.count() < len(ApprovalKind):
        return model
    return _in_service(user, model)


def why_not_approve(user: User, model: ModelVersion, kind: str) -> str:
    """Return why `user` cannot give this yes, "" when they can."""
    if model.state != ModelState.CHECKED:
        return _("%(model)s waits for no yes: it is %(state)s. %(why)s") % {
            "model": model, "state": model.get_state_display().lower(), "why": model.problem,
        }  # fmt: skip
    given = list(model.approvals.all())
    if any(one.kind == kind for one in given):
        return _("This yes was given already.")
    if any(one.user_id == user.pk for one in given):
        return _("The other yes is yours: another person must give this one.")
    if kind == ApprovalKind.TECHNICAL and model.added_by_id == user.pk:
        return _("You added this model: another administrator must give the technical yes.")
    if kind not in ACTIONS or not user_may(user, ACTIONS[ApprovalKind(kind)]):
        return _("This yes is not your role's to give.")
    return ""


@transaction.atomic
def model_restore(*, user: User, model: ModelVersion) -> ModelVersion:
    """Bring back a version that served before, in the place of the one that serves now.

    Raises NotPossible for one that never served, or whose files are no longer right.
    """
    model = ModelVersion.objects.select_for_update().get(pk=model.pk)
    if model.state != ModelState.RETIRED or model.problem or not was_active(model):
        raise NotPossible(_("%(model)s cannot be brought back.") % {"model": model})
    return _in_service(user, model)


@transaction.atomic
def model_confirm(*, user: User, model: ModelVersion) -> ModelVersion:
    """Confirm a draft that was made from a bundle: from now on it waits for its two yeses.

    Raises NotPossible where it is no draft, or its card does not say enough.
    """
    if model.state != ModelState.DRAFT:
        raise NotPossible(_("%(model)s is no draft.") % {"model": model})
    if problem := why_not_ready(read_metadata(folder_of(model))):
        raise NotPossible(problem)
    model = model_readmit(model=model, user=user)
    ModelVersion.objects.filter(pk=model.pk, added_by=None).update(added_by=user)
    model.refresh_from_db()
    return model


def _in_service(user: User, model: ModelVersion) -> ModelVersion:
    """Activate; the version that served so far steps back and stays one click away."""
    if problem := manifest_problem(model):
        raise NotPossible(f"{model}: {problem}")
    others = ModelVersion.objects.filter(name=model.name, state=ModelState.ACTIVE)
    for other in others.exclude(pk=model.pk):
        model_retire(user=user, model=other)
    return model_activate(user=user, model=model)
