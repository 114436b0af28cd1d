"""The house looked over by its worker, on asking: what was found and when is kept in one row.

The web process looks at what it can see by itself at each view. What needs the engine, a decoder,
the files of the models or another machine is the worker's: it may be elsewhere, and it may take
minutes.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.timezone import now

from accounts import audit
from imaging import queue
from imaging.models import Heartbeat
from mediscan.doctor import LOOKS, Finding, examine

TASK = "mediscan.tasks.house_examine"
ASKED, FOUND = "examination:asked", "examination:found"  # names of rows
HERE = ("database", "queue", "disk", "backup")  # a look that writes nothing
BY_WORKER = tuple(name for name in LOOKS if name not in HERE)
PATIENCE = timedelta(minutes=5)  # an asking that nothing answered may be repeated


def found_here() -> list[Finding]:
    """Look at what the web process sees by itself, now."""
    return list(examine(HERE))


def found_by_worker() -> tuple[list[Finding], datetime | None]:
    """Return what the worker found last, and when; ([], None): it never looked."""
    row = Heartbeat.objects.filter(name=FOUND).first()
    return ([Finding(**one) for one in row.facts["findings"]], row.at) if row else ([], None)


def asked_at() -> datetime | None:
    """Return when the worker was asked, if it has not answered yet."""
    asked = Heartbeat.objects.filter(name=ASKED).values_list("at", flat=True).first()
    found = Heartbeat.objects.filter(name=FOUND).values_list("at", flat=True).first()
    return asked if asked and (found is None or found < asked) else None


@transaction.atomic
def examination_ask(*, by) -> bool:
    """Ask the worker to look; False: it was asked a moment ago and has not answered yet."""
    waiting = asked_at()
    if waiting and now() - waiting < PATIENCE:
        return False
    Heartbeat.objects.update_or_create(name=ASKED, defaults={"at": now()})
    audit.record(by, "system.examine")
    queue.enqueue(TASK)
    return True


def examination_make() -> None:
    """Look at all that is the worker's, and keep it. Called twice, the later look counts."""
    found = [asdict(one) for one in examine(BY_WORKER)]
    told = {"at": now(), "facts": {"findings": found}}
    Heartbeat.objects.update_or_create(name=FOUND, defaults=told)
