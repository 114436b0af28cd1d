"""Which queued job the queue is told of next: a few of each user at once, so that all get turns."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from imaging import queue
from imaging.models import Job, JobStatus

RUN_JOB = "imaging.tasks.run_job"
STALE = timedelta(seconds=60)


@transaction.atomic
def doorbells_ring(user_id: UUID) -> int:
    """Ring for the user's next waiting jobs, up to their share; return how many.

    Each finished job rings again: the queue is first come, first served, so a
    batch of hundreds delays another user by a handful of jobs.
    """
    mine = Job.objects.filter(run__requested_by=user_id).live()
    room = settings.DOORBELLS_PER_USER - mine.filter(rung_at__isnull=False).count()
    waiting = mine.filter(status=JobStatus.QUEUED, rung_at=None).order_by(
        "run__created_at", "position", "id"
    )
    return sum(
        _ring(pk, Q(rung_at=None)) for pk in waiting.values_list("pk", flat=True)[: max(0, room)]
    )


def doorbells_mend() -> int:
    """Ring again for jobs whose doorbell was lost, and for users who have none; return how many."""
    lost = Job.objects.filter(status=JobStatus.QUEUED, rung_at__lt=Now() - STALE)
    pks = set(lost.values_list("pk", flat=True))
    heard = queue.waiting(RUN_JOB) if pks else set()
    mended = 0
    for pk in pks:
        if str(pk) not in heard:
            with transaction.atomic():
                mended += _ring(pk, Q(rung_at__lt=Now() - STALE))
    unrung = Job.objects.filter(status=JobStatus.QUEUED, rung_at=None)
    users = unrung.order_by().values_list("run__requested_by", flat=True).distinct()
    return mended + sum(doorbells_ring(user_id) for user_id in users)


def _ring(pk: UUID, unless_rung: Q) -> int:
    """Ring for one job unless somebody was faster."""
    ours = Job.objects.filter(unless_rung, pk=pk, status=JobStatus.QUEUED).update(rung_at=Now())
    if ours:
        queue.enqueue(RUN_JOB, str(pk))
    return ours
