"""Asking for an analysis: submit a run, cancel it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Organisation, User
from accounts.selectors import organisations_of
from imaging.models import (
    Cohort,
    Ensemble,
    EnsembleState,
    Fusion,
    Image,
    Job,
    JobStatus,
    Member,
    Modality,
    ModelVersion,
    Rule,
    Run,
)
from imaging.selectors import jobs_visible_to
from imaging.services.doorbells import doorbells_ring
from imaging.services.jobs import job_retry
from imaging.services.members import (
    MemberChoice,
    frozen_spec,
    fusion_check,
    members_check,
    threshold_check,
)
from imaging.services.quotas import runs_check
from imaging.services.refusals import NotPossible
from imaging.services.run_ends import run_hold
from imaging.services.standings import standings_settle, work_settle

__all__ = ["MemberChoice", "NotPossible", "job_retry", "run_cancel", "run_submit"]

MOST_IMAGES = 1000
VOLUME_SLICES = 3


def run_submit(
    *,
    user: User,
    images: Sequence[Image],
    members: Sequence[MemberChoice],
    threshold: float,
    ensemble: Ensemble | None = None,
    name: str = "",
    token: str = "",
    fusion: str = "",
    cohort: Cohort | None = None,
    rule: Rule | None = None,
) -> Run:
    """Ask for an analysis of `images`: a run with one queued job each.

    `fusion` joins the members: the ensemble's own where it is not said. `token` is the form's
    own: sent twice, it answers with the first run. `cohort`: a researcher's, of a cohort that is
    theirs; it stands in no clinical list. `rule`: the one that starts it, by its house's account.
    Raises: NotPossible, in words for the user.
    """
    if token and (earlier := Run.objects.filter(requested_by=user, token=token).first()):
        return earlier
    try:
        return _submit(
            user,
            list(images),
            list(members),
            threshold,
            ensemble,
            name,
            token,
            fusion,
            cohort,
            rule,
        )
    except IntegrityError:
        if token and (earlier := Run.objects.filter(requested_by=user, token=token).first()):
            return earlier
        raise


@transaction.atomic
def run_cancel(*, user: User, run: Run) -> int:
    """Cancel what is not finished and `user`'s to run; return how many images.

    Images of departments that are not theirs go on. Twice does no harm. A worker in
    the middle of one finds out within seconds and stops its engine.
    """
    run_hold(run.pk)
    theirs = _jobs_to_cancel(user, run).values("pk")
    live = run.jobs.live().filter(pk__in=theirs)
    studies = set(live.values_list("image__study", flat=True))
    count = live.update(status=JobStatus.CANCELLED, finished_at=now(), lease_until=None, step="")
    if count:
        Run.objects.filter(pk=run.pk).update(cancelled_at=now())
        audit.record(user, "run.cancel", run)
        doorbells_ring(run.requested_by_id)
        standings_settle(studies)
    return count


@transaction.atomic
def _submit(user, images, members, threshold, ensemble, name, token, fusion, cohort, rule) -> Run:
    _approved_check(ensemble)
    members_check(members)
    fusion = fusion_check(fusion or (ensemble.fusion if ensemble else Fusion.MEAN), members)
    organisation = _images_check(user, images, "run.submit_cohort" if cohort else "run.submit")
    for member in members:
        _fit_check(member.model_version, images)
    runs_check(organisation)
    spec = frozen_spec(
        members, threshold=threshold_check(threshold), ensemble=ensemble, fusion=fusion
    )
    busy = _busy(images, spec.to_json(), cohort)
    if len(busy) == len(images):
        raise NotPossible(_("All of these images are being analysed by these models already."))
    run = Run.objects.create(
        organisation=organisation,
        requested_by=user,
        ensemble=ensemble,
        title=_title(name, ensemble, members),
        threshold=spec.threshold,
        frozen=spec.to_json(),
        token=token[:64],
        cohort=cohort,
        rule=rule,
        skipped=[{"image": str(pk), "why": "already running"} for pk in busy],
    )
    images = [image for image in images if image.pk not in busy]
    Member.objects.bulk_create(_members(run, members))
    Job.objects.bulk_create(
        Job(organisation=organisation, run=run, image=image, position=position)
        for position, image in enumerate(images)
    )
    audit.record(user, "run.submit", run, reason=f"rule {rule.pk}" if rule else "")
    doorbells_ring(user.pk)
    work_settle(image.study_id for image in images)
    return run


def _jobs_to_cancel(user: User, run: Run) -> QuerySet[Job]:
    """The jobs of a run that are `user`'s to run; a cohort's run is its researcher's alone."""
    if run.cohort_id is not None:
        return run.jobs.filter(run__requested_by=user)
    return jobs_visible_to(user, "run.submit").filter(run=run)


def _approved_check(ensemble: Ensemble | None) -> None:
    """Raise for a choice that nobody approved; one that was replaced since had been."""
    if ensemble is not None and ensemble.state in (EnsembleState.PROPOSED, EnsembleState.DECLINED):
        raise NotPossible(
            _("%(ensemble)s is not approved: an administrator decides. Choose another one.")
            % {"ensemble": ensemble}
        )


def _busy(images: list[Image], frozen: dict, cohort: Cohort | None) -> list:
    """Return which images the very same choice of models is at work on, or will be."""
    ids = [image.pk for image in images]
    live = Job.objects.live().filter(image__in=ids, run__cohort=cohort)
    runs = dict(live.values_list("image", "run__frozen"))
    same = json.loads(json.dumps(frozen))
    return [image.pk for image in images if runs.get(image.pk) == same]


def _members(run: Run, members: list[MemberChoice]) -> list[Member]:
    total = sum(member.weight for member in members)
    return [
        Member(
            run=run,
            model_version=member.model_version,
            position=position,
            weight=member.weight,
            share=member.weight / total,
            device=member.device,
        )
        for position, member in enumerate(members)
    ]


def _images_check(user: User, images: list[Image], action: str) -> Organisation:
    """Return the images' organisation; raise unless `user` may see all and all are of one kind."""
    if not images:
        raise NotPossible(_("Choose at least one image."))
    if len(images) > MOST_IMAGES:
        raise NotPossible(
            _("A run takes at most %(n)d images; you chose %(count)d. Make several runs.")
            % {"n": MOST_IMAGES, "count": len(images)}
        )
    if len({image.pk for image in images}) < len(images):
        raise NotPossible(_("An image was chosen twice."))
    if len({image.organisation_id for image in images}) > 1:
        raise NotPossible(_("The images belong to different organisations."))
    organisation = (
        organisations_of(user, action)
        .select_related("plan")
        .filter(pk=images[0].organisation_id)
        .first()
    )
    if organisation is None:
        raise NotPossible(_("An image that you chose does not exist."))
    if len({image.modality for image in images}) > 1:
        raise NotPossible(_("Choose images of one kind: X-ray, MRI or CT, not several at once."))
    return organisation


def _fit_check(model: ModelVersion, images: list[Image]) -> None:
    modality = images[0].modality
    if modality not in model.modalities:
        raise NotPossible(
            _("%(model)s was made for %(own)s; the images are %(other)s.")
            % {
                "model": model.name,
                "own": ", ".join(_word(one) for one in model.modalities),
                "other": _word(modality),
            }
        )
    reads_volumes = len(model.metadata.get("input_shape", ())) == 5
    if reads_volumes and any(image.depth < VOLUME_SLICES for image in images):
        raise NotPossible(
            _("%(model)s reads volumes, and a chosen image is a single picture.")
            % {"model": model.name}
        )


def _title(name: str, ensemble: Ensemble | None, members: list[MemberChoice]) -> str:
    models = " + ".join(member.model_version.name for member in members)
    return (name.strip() or (str(ensemble) if ensemble else models))[:200]


def _word(modality: str) -> str:
    return str(dict(Modality.choices).get(modality, modality))
