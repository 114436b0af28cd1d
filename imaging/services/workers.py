"""The heartbeat of each machine's worker: that it lives, and whether it was told to stop."""

from __future__ import annotations

import socket
from datetime import timedelta

from django.utils.timezone import now

from imaging.models import Heartbeat

ALIVE_S = 20


def worker_name() -> str:
    return f"worker:{socket.gethostname()}"[:64]


def worker_beat(*, stopping: bool = False, **facts) -> None:
    """Say that this machine's worker lives; `facts` are shown to operators."""
    Heartbeat.objects.update_or_create(
        name=worker_name(), defaults={"at": now(), "facts": {**facts, "stopping": stopping}}
    )


def worker_is_alive() -> bool:
    """Say whether any machine's worker gave a sign lately."""
    recent = now() - timedelta(seconds=ALIVE_S)
    return Heartbeat.objects.filter(
        name__startswith="worker:", at__gt=recent, facts__stopping=False
    ).exists()


def is_stopping() -> bool:
    """Say whether this machine's worker was told to stop."""
    beat = Heartbeat.objects.filter(name=worker_name()).values_list("facts", flat=True).first()
    return bool(beat and beat["stopping"])
