"""A person sets a refusal of the input gate aside: one image is analysed all the same."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from imaging.models import GateVerdict, Job, Member, Result, Run
from imaging.services.doorbells import doorbells_ring
from imaging.services.members import MemberChoice, members_check
from imaging.services.quotas import runs_check
from imaging.services.refusals import NotPossible
from imaging.services.standings import work_settle


@transaction.atomic
def gate_override(*, user: User, result: Result, reason: str) -> Run:
    """Run the same frozen choice of models on the refused image once more; return the run.

    The refusal stays as it is; the new result carries it, who set it aside, and why. Called
    twice there are two runs. Raises: NotPossible, in words for the user.
    """
    if result.gate_verdict != GateVerdict.REFUSE or result.is_analysed:
        raise NotPossible(_("The input check did not refuse this image."))
    if not reason.strip():
        raise NotPossible(_("Say why the input check does not hold here."))
    earlier = result.job.run
    members = list(earlier.members.select_related("model_version"))
    members_check([MemberChoice(one.model_version, one.weight, one.device) for one in members])
    runs_check(result.organisation)
    run = Run.objects.create(
        organisation=result.organisation,
        requested_by=user,
        ensemble=earlier.ensemble,
        title=earlier.title,
        threshold=earlier.threshold,
        frozen=earlier.frozen,
        override_of=result,
        override_reason=reason.strip()[:500],
    )
    Member.objects.bulk_create(
        Member(
            run=run,
            model_version=one.model_version,
            position=one.position,
            weight=one.weight,
            share=one.share,
            device=one.device,
        )
        for one in members
    )
    Job.objects.create(organisation=result.organisation, run=run, image=result.image)
    audit.record(user, "gate.override", result)
    audit.record(user, "run.submit", run)
    doorbells_ring(user.pk)
    work_settle([result.image.study_id])
    return run
