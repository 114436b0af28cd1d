"""Deleting a study: asked for, decided by another person, kept for a while, restored on demand."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Membership, Organisation, User
from accounts.roles import ADMINISTRATOR, roles_for
from accounts.services.notices import notice_send, notice_send_to_role
from imaging.models import Deletion, Job, JobStatus, Study
from imaging.models.deletions import DeclineReason, DeletionReason
from imaging.services.doorbells import doorbells_ring
from imaging.services.refusals import NotPossible
from imaging.services.run_ends import run_end_tell, run_hold
from imaging.services.standings import standings_settle

ACTION = "study.delete"
SHORT = 8  # characters of an id that a notice names


@transaction.atomic
def deletion_ask(*, user: User, study: Study, reason: str) -> Deletion:
    """Ask an administrator to delete the study; until then nothing changes.

    Asked twice, the second is told that it waits already: NotPossible.
    """
    wanted = DeletionReason(reason)
    try:
        with transaction.atomic():
            deletion = Deletion.objects.create(
                organisation=study.organisation,
                study_id=study.pk,
                reason=wanted,
                requested_by=user,
            )
    except IntegrityError:
        raise NotPossible(_("The deletion of this study has been asked for already.")) from None
    audit.record(user, "study.ask_deletion", study, reason=wanted.value)
    notice_send_to_role(
        role=ADMINISTRATOR, kind="deletion_asked", organisation=study.organisation,
        facts={"id": _short(deletion)},
    )  # fmt: skip
    return deletion


@transaction.atomic
def deletion_withdraw(*, user: User, deletion: Deletion) -> None:
    """Take one's own request back. Raises: NotPossible once somebody has decided."""
    deletion, study = _held(deletion)
    if deletion.requested_by_id != user.pk:
        raise NotPossible(_("Only the person who asked can withdraw a request."))
    deletion.withdrawn_at = now()
    deletion.save(update_fields=["withdrawn_at"])
    audit.record(user, "study.withdraw_deletion", study, reason=deletion.reason)


@transaction.atomic
def deletion_decline(*, user: User, deletion: Deletion, answer: str) -> None:
    """Let the study stay, and tell who asked why. Raises: NotPossible once it is decided."""
    said = DeclineReason(answer)
    deletion, study = _held(deletion)
    _check_administrator(user, deletion.organisation)
    deletion.declined_by, deletion.declined_at, deletion.answer = user, now(), said
    deletion.save(update_fields=["declined_by", "declined_at", "answer"])
    audit.record(user, "study.decline_deletion", study, reason=said.value)
    _tell(deletion, "deletion_declined")


@transaction.atomic
def deletion_approve(*, user: User, deletion: Deletion) -> Deletion:
    """Delete the study: nobody sees it any more, and its queued or running jobs are cancelled.

    Its rows and files stay as they are for `settings.STUDY_KEPT_DAYS`. Called twice, the second
    finds it decided. Raises: NotPossible, for whoever asked too.
    """
    deletion, _study = _held(deletion)
    if deletion.requested_by_id == user.pk:
        raise NotPossible(_("Nobody approves their own request: another administrator must."))
    _check_administrator(user, deletion.organisation)
    _jobs_cancel(user, deletion.study_id)
    study = Study.objects.select_for_update().get(pk=deletion.study_id)
    if Job.objects.live().filter(image__study=study).exists():
        raise NotPossible(_("An analysis of this study has just been started. Try again."))
    study.deleted_at = deletion.approved_at = now()
    Study.objects.filter(pk=study.pk).update(deleted_at=study.deleted_at)  # when it changed stays
    deletion.approved_by = user
    deletion.keep_until = study.deleted_at + timedelta(days=settings.STUDY_KEPT_DAYS)
    deletion.save(update_fields=["approved_by", "approved_at", "keep_until"])
    states = {"before": {"deleted": False}, "after": {"deleted": True}}
    audit.record(user, ACTION, study, reason=deletion.reason, **states)
    _tell(deletion, "study_deleted", days=settings.STUDY_KEPT_DAYS)
    return deletion


@transaction.atomic
def deletion_restore(*, user: User, deletion: Deletion) -> None:
    """Bring the study back as it was. Called twice, the second finds it back: NotPossible."""
    deletion = Deletion.objects.select_for_update(of=("self",)).get(pk=deletion.pk)
    _check_administrator(user, deletion.organisation)
    study = Study.objects.select_for_update().filter(pk=deletion.study_id).first()
    if study is None or not deletion.is_kept:
        raise NotPossible(_("This study is no longer kept, or it is back already."))
    Study.objects.filter(pk=study.pk).update(deleted_at=None)
    deletion.restored_by, deletion.restored_at = user, now()
    deletion.save(update_fields=["restored_by", "restored_at"])
    states = {"before": {"deleted": True}, "after": {"deleted": False}}
    audit.record(user, "study.restore", study, reason=deletion.reason, **states)
    _tell(deletion, "study_restored")


def _held(deletion: Deletion) -> tuple[Deletion, Study]:
    """Lock the request, which must still be open; return it with its study. Raises: NotPossible."""
    held = Deletion.objects.select_for_update(of=("self",)).get(pk=deletion.pk)
    study = Study.objects.filter(pk=held.study_id).first()
    if study is None or not held.is_open:
        raise NotPossible(_("This request is no longer open."))
    return held, study


def _jobs_cancel(by: User, study_id: UUID) -> None:
    """Cancel what is queued or running; a worker in the middle of one finds out within seconds.

    The runs are held first, in one order, as whoever ends a job holds them.
    """
    live = Job.objects.live().filter(image__study=study_id)
    ended = {"status": JobStatus.CANCELLED, "finished_at": now(), "lease_until": None, "step": ""}
    for pk in sorted(set(live.values_list("run", flat=True))):
        run = run_hold(pk)
        if live.filter(run=run).update(**ended):
            audit.record(by, "run.cancel", run, reason="study deleted")
            run_end_tell(run)
            doorbells_ring(run.requested_by_id)
    standings_settle([study_id])


def _tell(deletion: Deletion, kind: str, **facts: object) -> None:
    """Tell whoever asked, if they may still read it; no patient data."""
    if deletion.requested_by.is_active:
        notice_send(to=deletion.requested_by, kind=kind, facts=facts | {"id": _short(deletion)})


def _short(deletion: Deletion) -> str:
    return deletion.study_id.hex[:SHORT]


def _check_administrator(user: User, organisation: Organisation) -> None:
    here = Membership.objects.current().filter(user=user, organisation=organisation)
    if not user.is_active or not here.filter(role__in=roles_for(ACTION)).exists():
        raise NotPossible(_("An administrator of the study's organisation decides."))
