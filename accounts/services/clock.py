"""Notices when the machine's clock was set, and writes it into the trail."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from django.utils.timezone import now

from accounts import audit
from accounts.models import AuditEvent

JUMP_S = 2.0  # time servers slew what is smaller
STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while a machine sleeps


@dataclass(slots=True)
class ClockWatch:
    """Compares the clock that people set with the one that nobody can set."""

    ahead_s: float | None = None

    def jump_s(self, wall_s: float, steady_s: float) -> float:
        """Return by how many seconds the wall clock was set since the last call; 0.0: it was not.

        Both readings are of one moment. Less than JUMP_S counts as none.
        """
        before, self.ahead_s = self.ahead_s, wall_s - steady_s
        if before is None or abs(self.ahead_s - before) < JUMP_S:
            return 0.0
        return self.ahead_s - before


_watch = ClockWatch()


def clock_watch() -> int:
    """Record that the clock was set since the last call; return how many entries were written."""
    jump_s = _watch.jump_s(time.time(), time.clock_gettime(STEADY))
    if not jump_s:
        return 0
    audit.record(None, "clock.jump", outcome="failed", reason=f"set by {jump_s:+,.0f} s")
    return 1


def clock_compare() -> None:
    """Record at a start that the newest entry of the trail is of a time that is yet to come."""
    newest = AuditEvent.objects.order_by("-at").values_list("at", flat=True).first()
    if newest is not None and newest - now() > timedelta(seconds=JUMP_S):
        ahead_s = (newest - now()).total_seconds()
        reason = f"the newest entry is {ahead_s:,.0f} s ahead of the clock"
        audit.record(None, "clock.jump", outcome="failed", reason=reason)
