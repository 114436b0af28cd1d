"""The life of a job: claim, keep, finish, fail, give back, recover, retry.

Every write after the claim is fenced by `attempt`: a worker that was given up
finds no row and its late result is thrown away.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, When
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.roles import ADMINISTRATOR
from accounts.services.notices import notice_send_to_role
from accounts.services.outbox import event_note
from accounts.tracing import current_request_id
from accounts.vault.staging import StagedBlob
from imaging.models import Job, JobStatus, Run
from imaging.services.doorbells import doorbells_mend, doorbells_ring
from imaging.services.leases import MAX_DEATHS, lease_end
from imaging.services.refusals import NotPossible
from imaging.services.results import maps_stage, result_store
from imaging.services.run_ends import run_end_tell, run_hold
from imaging.services.standings import DELETED, standings_settle

WORKER_DIED = "The worker died three times on this image."
_AT_REST = {"lease_until": None, "step": "", "steps_done": 0, "steps_total": 0}


def job_claim(job_id: str) -> Job | None:
    """Take a queued job, or one whose worker died, for this worker; None: nothing to take.

    One UPDATE decides the race, so a task that is delivered twice runs once.
    """
    abandoned = Q(status=JobStatus.RUNNING, lease_until__lt=Now(), deaths__lt=MAX_DEATHS - 1)
    taken = Job.objects.filter(Q(status=JobStatus.QUEUED) | abandoned, pk=job_id).update(
        **_AT_REST
        | {
            "status": JobStatus.RUNNING,
            "attempt": F("attempt") + 1,
            "deaths": F("deaths") + Case(When(status=JobStatus.RUNNING, then=1), default=0),
            "lease_until": lease_end(),
            "started_at": Now(),
        }
    )
    related = ("organisation", "run__requested_by", "image__pixels")
    return Job.objects.select_related(*related).get(pk=job_id) if taken else None


def job_held(job: Job) -> QuerySet[Job]:
    """`job`, but only while this very attempt is the running one."""
    return Job.objects.filter(pk=job.pk, status=JobStatus.RUNNING, attempt=job.attempt)


def job_progress(job: Job, *, step: str, done: int, total: int) -> bool:
    """Show how far `job` is, which is a sign of life too; False when it is no longer ours."""
    return bool(
        job_held(job).update(
            step=step[:120], steps_done=done, steps_total=total, lease_until=lease_end()
        )
    )


def job_succeed(job: Job, analysis: Mapping[str, Any], folder: Path) -> bool:
    """Store what the engine found, all or nothing; False when `job` is no longer ours.

    `folder` holds the map files that `analysis` names. They are encrypted before
    the transaction begins: SQLite has one writer at a time.
    """
    maps = maps_stage(job, analysis["maps"], folder)
    succeeded = _succeed(job, analysis, maps)
    if not succeeded:
        for staged in maps.values():
            staged.discard()
    return succeeded


@transaction.atomic
def _succeed(job: Job, analysis: Mapping[str, Any], maps: Mapping[str, StagedBlob]) -> bool:
    run = run_hold(job.run_id)
    if not _finish(job, JobStatus.SUCCEEDED, steps_done=F("steps_total")):
        return False
    result = result_store(job, analysis, maps)
    audit.record(job.run.requested_by, "job.succeed", result, organisation=job.organisation)
    _tell("job.succeeded", job, result=result.pk)
    run_end_tell(run)
    doorbells_ring(job.run.requested_by_id)
    standings_settle([job.image.study_id])
    return True


@transaction.atomic
def job_fail(job: Job, *, error: str) -> bool:
    """Close `job` with a sentence for the user; False when it is no longer ours."""
    run = run_hold(job.run_id)
    if not _finish(job, JobStatus.FAILED, error=error[:500]):
        return False
    audit.record(job.run.requested_by, "job.fail", job, outcome="failed")
    _tell("job.failed", job)
    run_end_tell(run)
    doorbells_ring(job.run.requested_by_id)
    standings_settle([job.image.study_id])
    return True


@transaction.atomic
def job_release(job: Job) -> bool:
    """Give `job` back unharmed, as a worker does that was told to stop."""
    if not job_held(job).update(status=JobStatus.QUEUED, rung_at=None, **_AT_REST):
        return False
    doorbells_ring(job.run.requested_by_id)
    return True


@transaction.atomic
def job_died(job: Job, *, error: str = WORKER_DIED) -> bool:
    """Count one death: back to the queue, after the third failed with `error`."""
    if job.deaths + 1 >= MAX_DEATHS:
        return _give_up(job, error)
    if not job_held(job).update(deaths=F("deaths") + 1):
        return False
    audit.record(None, "job.requeue", job)
    return job_release(job)


def _give_up(job: Job, error: str) -> bool:
    if not job_fail(job, error=error):
        return False
    notice_send_to_role(role=ADMINISTRATOR, kind="dead_job", organisation=job.organisation)
    return True


def jobs_recover() -> int:
    """Take up what dead workers left and ring lost doorbells; return how many rows changed."""
    dead = Job.objects.filter(status=JobStatus.RUNNING, lease_until__lt=Now())
    jobs = dead.select_related("organisation", "run__requested_by")
    return sum(job_died(job) for job in jobs) + doorbells_mend()


@transaction.atomic
def job_retry(*, user: User | None, job: Job) -> Job:
    """Queue a failed or cancelled job once more; one that is live stays as it is.

    Raises: NotPossible for a job that succeeded, and of a study that was deleted.
    """
    reset = {"status": JobStatus.QUEUED, "error": "", "deaths": 0, "rung_at": None}
    reset["request_id"] = current_request_id()
    kept = Job.objects.filter(image__study__deleted_at=None)
    closed = kept.filter(pk=job.pk, status__in=[JobStatus.FAILED, JobStatus.CANCELLED])
    if closed.update(started_at=None, finished_at=None, **reset, **_AT_REST):
        Run.objects.filter(pk=job.run_id).update(cancelled_at=None)
        audit.record(user, "job.retry", job)
        doorbells_ring(job.run.requested_by_id)
        standings_settle([job.image.study_id])
    job.refresh_from_db()
    if job.status in (JobStatus.FAILED, JobStatus.CANCELLED):
        raise NotPossible(DELETED)
    if job.status == JobStatus.SUCCEEDED:
        raise NotPossible(_("This image has been analysed. Start a new run to do it again."))
    return job


def _tell(event: str, job: Job, **more: UUID) -> None:
    """Let other systems know, by ids alone."""
    ids = {"job": job.pk, "run": job.run_id, "image": job.image_id} | more
    event_note(event, ids, organisation_id=job.organisation_id)


def _finish(job: Job, status: JobStatus, **fields) -> bool:
    closed = {"status": status, "finished_at": now(), "lease_until": None, "step": "", **fields}
    return bool(job_held(job).update(**closed))
