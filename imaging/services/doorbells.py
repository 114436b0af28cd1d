"""Which queued job which queue is told of next: a few of each user at once, so all get turns."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from imaging import queue
from imaging.models import Job, JobStatus, Member
from imaging.services.workers import gpu_worker_is_alive

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
    chosen = list(waiting.values_list("pk", "run_id")[: max(0, room)])
    of_gpu = _runs_for_gpu({run_id for _pk, run_id in chosen})
    return sum(_ring(pk, Q(rung_at=None), run_id in of_gpu) for pk, run_id in chosen)


def doorbells_mend() -> int:
    """Ring again for jobs whose doorbell was lost, and for users who have none; return how many."""
    lost = Job.objects.filter(status=JobStatus.QUEUED, rung_at__lt=Now() - STALE)
    found = dict(lost.values_list("pk", "run_id"))
    of_gpu = _runs_for_gpu(set(found.values()))
    heard = queue.waiting(RUN_JOB, *_heard_queues()) if found else set()
    mended = 0
    for pk, run_id in found.items():
        if str(pk) not in heard:
            with transaction.atomic():
                mended += _ring(pk, Q(rung_at__lt=Now() - STALE), run_id in of_gpu)
    unrung = Job.objects.filter(status=JobStatus.QUEUED, rung_at=None)
    users = unrung.order_by().values_list("run__requested_by", flat=True).distinct()
    return mended + sum(doorbells_ring(user_id) for user_id in users)


def _heard_queues() -> list[str]:
    """The queues that somebody listens to; what waits in a GPU queue without a worker is lost."""
    return [queue.CPU, queue.GPU] if gpu_worker_is_alive() else [queue.CPU]


def _runs_for_gpu(run_ids: set[UUID]) -> set[UUID]:
    """Return the runs that a GPU worker should take: one lives, and a member may use it."""
    if not run_ids or not gpu_worker_is_alive():
        return set()
    wants = Q(device="auto") | Q(device__startswith="cuda")
    members = Member.objects.filter(wants, run__in=run_ids, weight__gt=0)
    return set(members.order_by().values_list("run_id", flat=True).distinct())


def _ring(pk: UUID, unless_rung: Q, is_of_gpu: bool) -> int:
    """Ring for one job unless somebody was faster."""
    ours = Job.objects.filter(unless_rung, pk=pk, status=JobStatus.QUEUED).update(rung_at=Now())
    if ours:
        where = {"queue": queue.GPU} if is_of_gpu else {}
        queue.enqueue(RUN_JOB, str(pk), **where)
    return ours
