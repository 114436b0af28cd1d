"""What the last verification of the whole trail said, for pages that only name it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from accounts.models import AuditEvent

FIRST_BAD = re.compile(r"entry (\d+):")


@dataclass(frozen=True, slots=True)
class TrailState:
    """When it was verified, and the first bad entry: None where it was whole."""

    at: datetime
    entry: int | None


def last_check() -> AuditEvent | None:
    """Return the worker's newest verification of the whole trail; nothing is verified here."""
    checks = AuditEvent.objects.filter(action="audit.verify", actor=None)
    return checks.order_by("-at").first()


def trail_state() -> TrailState | None:
    """Return how the trail was when it was last verified; None where it never was."""
    check = last_check()
    if check is None:
        return None
    found = None if check.outcome == "ok" else FIRST_BAD.match(check.reason)
    return TrailState(check.at, int(found[1]) if found else None)
