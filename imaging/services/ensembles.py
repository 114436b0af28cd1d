"""A choice of models that is kept: proposed by one person, approved or declined by another."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Organisation, User
from accounts.roles import ADMINISTRATOR
from accounts.selectors import may_at
from accounts.services.notices import notice_send, notice_send_to_role
from imaging.models import Ensemble, EnsembleMember, EnsembleState, Fusion, Modality, ModelVersion
from imaging.services.members import (
    MemberChoice,
    frozen_spec,
    fusion_check,
    members_check,
    threshold_check,
)
from imaging.services.refusals import NotPossible

PROPOSED, APPROVED = EnsembleState.PROPOSED, EnsembleState.APPROVED


@transaction.atomic
def ensemble_propose(
    *,
    user: User,
    organisation: Organisation,
    name: str,
    members: Sequence[MemberChoice],
    threshold: float,
    title: str = "",
    severity: dict | None = None,
    fusion: str = Fusion.MEAN,
) -> Ensemble:
    """Propose a choice of models for the organisation, or a change of the one of that name.

    Nothing that serves changes by it. Raises: NotPossible, in words, also where a proposal of
    that name waits already.
    """
    members, name = list(members), name.strip()[:64]
    members_check(members)
    if not name:
        raise NotPossible(_("Give the ensemble a name."))
    spec = frozen_spec(members, threshold=threshold_check(threshold), ensemble=None)
    earlier = Ensemble.objects.filter(organisation=organisation, name=name)
    ensemble = Ensemble(
        organisation=organisation,
        name=name,
        title=title[:200],
        number=(earlier.aggregate(last=Max("number"))["last"] or 0) + 1,
        type=spec.type,
        modalities=_shared_modalities([member.model_version for member in members]),
        threshold=spec.threshold,
        severity=severity or spec.severity,
        fusion=fusion_check(fusion or Fusion.MEAN, members),
        union=spec.union,
        created_by=user,
    )
    _keep(ensemble, members)
    audit.record(user, "ensemble.propose", ensemble)
    facts = {"ensemble": name}
    notice_send_to_role(
        role=ADMINISTRATOR, kind="ensemble_proposed", organisation=organisation, facts=facts
    )
    return ensemble


@transaction.atomic
def ensemble_approve(*, user: User | None, ensemble: Ensemble) -> Ensemble:
    """Let a proposal serve in the place of the version before it, which runs keep.

    Without a user it is the operator's word, given at the machine. Raises: NotPossible for
    one's own proposal, one that was decided, and models that no longer serve.
    """
    ensemble = _open(user, ensemble)
    members_check(
        [
            MemberChoice(one.model_version, one.weight, one.device)
            for one in ensemble.members.select_related("model_version")
        ]
    )
    serving = Ensemble.objects.filter(organisation=ensemble.organisation_id, name=ensemble.name)
    serving.filter(state=APPROVED).update(state=EnsembleState.REPLACED)
    return _decide(user, ensemble, APPROVED)


@transaction.atomic
def ensemble_decline(*, user: User, ensemble: Ensemble, reason: str) -> Ensemble:
    """Close a proposal with the reason, which its proposer reads. Raises: NotPossible."""
    ensemble = _open(user, ensemble)
    if not reason.strip():
        raise NotPossible(_("Say why: whoever proposed it reads the reason."))
    ensemble.reason = reason.strip()[:300]
    return _decide(user, ensemble, EnsembleState.DECLINED)


def why_not_decide(user: User | None, ensemble: Ensemble) -> str:
    """Return why `user` may not decide on this proposal, "" when they may; None: the operator."""
    if ensemble.state != PROPOSED:
        return _("This proposal was decided already.")
    if user is None:
        return ""
    if ensemble.created_by_id == user.pk:
        return _("You proposed this: another administrator decides.")
    if not may_at(user, "ensemble.approve", ensemble.organisation_id):
        return _("Only an administrator of its organisation decides.")
    return ""


def _open(user: User | None, ensemble: Ensemble) -> Ensemble:
    ensemble = Ensemble.objects.select_for_update(of=("self",)).get(pk=ensemble.pk)
    if reason := why_not_decide(user, ensemble):
        raise NotPossible(reason)
    return ensemble


def _decide(user: User | None, ensemble: Ensemble, state: EnsembleState) -> Ensemble:
    ensemble.state, ensemble.decided_by, ensemble.decided_at = state, user, now()
    ensemble.save(update_fields=["state", "decided_by", "decided_at", "reason"])
    action = "ensemble.approve" if state == APPROVED else "ensemble.decline"
    audit.record(user, action, ensemble, organisation=ensemble.organisation)
    if ensemble.created_by is not None:
        facts = {"ensemble": ensemble.name}
        notice_send(to=ensemble.created_by, kind=f"ensemble_{state}", facts=facts)
    return ensemble


def _keep(ensemble: Ensemble, members: list[MemberChoice]) -> None:
    try:
        with transaction.atomic():  # the constraint decides, also between two at the same instant
            ensemble.save(force_insert=True)
    except IntegrityError:
        raise NotPossible(
            _("A proposal named “%(name)s” waits for an administrator already.")
            % {"name": ensemble.name}
        ) from None
    EnsembleMember.objects.bulk_create(
        EnsembleMember(
            ensemble=ensemble,
            model_version=member.model_version,
            position=position,
            weight=member.weight,
            device=member.device,
        )
        for position, member in enumerate(members)
    )


def _shared_modalities(models: list[ModelVersion]) -> list[str]:
    shared = [one for one in Modality.values if all(one in model.modalities for model in models)]
    if not shared:
        raise NotPossible(_("The models were made for different kinds of images."))
    return shared
