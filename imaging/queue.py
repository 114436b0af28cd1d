"""The seam between MediScan and its task queue; the only file that imports django_q."""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.utils.timezone import now
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.tasks import async_task

MOST_READ = 10_000
CPU, GPU = "cpu", "gpu"  # the queues: every machine serves the first, one with a GPU the second


def enqueue(task: str, *args, queue: str = CPU) -> None:
    """Run `task`, a dotted path, once the current transaction has committed.

    Named by path so that services need not import tasks, which import services.
    """
    transaction.on_commit(partial(async_task, task, *args, cluster=queue))


def waiting(task: str, *queues: str) -> set[str]:
    """Return the first argument of every call of `task` that no cluster has taken yet.

    Looks at the CPU queue, or at the ones that are named.
    """
    untaken = OrmQ.objects.filter(key__in=queues or [CPU], lock__lte=now())
    calls = [row.task for row in untaken[:MOST_READ]]
    return {call["args"][0] for call in calls if call.get("func") == task and call.get("args")}


def release_taken() -> int:
    """Offer again what a cluster that is gone had taken; return how many calls.

    Another machine's cluster may be at work on one of them: its second delivery
    finds nothing to claim.
    """
    taken = OrmQ.objects.filter(key=Conf.CLUSTER_NAME, lock__gt=now())
    return taken.update(lock=now())


def own_queue() -> str:
    """Return the queue that this process serves: Q_CLUSTER_NAME, else the CPU's."""
    return Conf.CLUSTER_NAME


def cluster_run() -> None:
    """Run django-q's cluster in this process until it is told to stop."""
    from django_q.cluster import Cluster  # starts multiprocessing, which the web has no use for

    Cluster().start()
