"""The heartbeat of each machine's worker: that it lives, and whether it was told to stop."""

from __future__ import annotations

import socket
from datetime import timedelta

from django.db.models import QuerySet
from django.utils.timezone import now

from imaging import queue
from imaging.models import Heartbeat

ALIVE_S = 20


def worker_name() -> str:
    """Say which worker this is: its machine, and its queue where that is not the CPU's."""
    own = queue.own_queue()
    return f"worker:{socket.gethostname()[:48]}" + ("" if own == queue.CPU else f":{own[:8]}")


def worker_beat(*, stopping: bool = False, **facts) -> None:
    """Say that this machine's worker lives; `facts` are shown to operators."""
    Heartbeat.objects.update_or_create(
        name=worker_name(),
        defaults={
            "at": now(),
            "facts": {**facts, "queue": queue.own_queue(), "stopping": stopping},
        },
    )


def worker_is_alive() -> bool:
    """Say whether any machine's worker gave a sign lately."""
    return _living().exists()


def gpu_worker_is_alive() -> bool:
    """Say whether a worker of the GPU queue gave a sign lately."""
    return _living().filter(facts__queue=queue.GPU).exists()


def _living() -> QuerySet[Heartbeat]:
    recent = now() - timedelta(seconds=ALIVE_S)
    return Heartbeat.objects.filter(
        name__startswith="worker:", at__gt=recent, facts__stopping=False
    )


def is_stopping() -> bool:
    """Say whether this machine's worker was told to stop."""
    beat = Heartbeat.objects.filter(name=worker_name()).values_list("facts", flat=True).first()
    return bool(beat and beat["stopping"])
