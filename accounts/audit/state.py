"""What the last verification of the whole trail said, for pages that only name it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from accounts.models import AuditEvent

FIRST_BAD, FIRST = re.compile(r"entry (\d+):"), 1


@dataclass(frozen=True, slots=True)
class TrailState:
    """When it was verified, and the first bad entry: None where it was whole.

    Damage that does not name an entry of the chain is said of the first.
    """

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
    if check.outcome == "ok":
        return TrailState(check.at, None)
    named = FIRST_BAD.match(check.reason)
    return TrailState(check.at, max(int(named[1]), FIRST) if named else FIRST)
