"""Taking up what died: every kind of work that has a lease, and the watch over the queue."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from accounts import audit

logger = logging.getLogger(__name__)


@audit.as_worker
def recover_all() -> int:
    """Run every recovery of settings.RECOVERIES; return how many rows changed.

    Each takes nothing and returns a count, may be called at any time by several
    processes, and touches only leases that ran out and doorbells that were lost.
    """
    return sum(_recover(path) for path in settings.RECOVERIES)


@audit.as_worker
def each_second() -> None:
    """Do what settings.EACH_SECOND asks for: short work that any process may do at any time."""
    for path in settings.EACH_SECOND:
        _recover(path, logged=False)


def _recover(path: str, *, logged: bool = True) -> int:
    try:
        count = import_string(path)()
    except DatabaseError:
        raise
    except Exception:  # a fault in one kind of work must not leave the others lying
        logger.exception("%s failed", path)
        return 0
    if count and logged:
        logger.info("%s: %d", path, count)
    return count


def work_is_held() -> bool:
    """Say whether some worker claimed or renewed work within the last lease."""
    held = (model.objects.filter(lease_until__gt=Now(), finished_at=None) for model in _leased())
    return any(rows.exists() for rows in held)


def oldest_unclaimed() -> UUID | None:
    """Return the row that waits longest of those that the queue was told of and nobody took."""
    unclaimed = (
        model.objects.filter(rung_at__isnull=False, lease_until=None, finished_at=None)
        for model in _leased()
    )
    firsts = (
        rows.order_by("created_at").values_list("created_at", "pk").first() for rows in unclaimed
    )
    return min((first for first in firsts if first), default=(None, None))[1]


def _leased():
    """The models of work: each has rung_at, lease_until, finished_at and created_at."""
    return [apps.get_model(label) for label in settings.LEASED_MODELS]


@dataclass
class Watchdog:
    """Tells when the queue stands still: the same row waits on and nobody holds any work.

    A living worker that is idle takes what waits within a second; one that is
    busy renews its lease. Neither for as long as a lease means a stuck cluster.
    """

    patience_s: float
    _waits: UUID | None = None
    _since: float = 0.0

    def is_stuck(self, moment: float) -> bool:
        """Look once; `moment` is a monotonic clock. After a yes it starts anew."""
        oldest = oldest_unclaimed()
        if oldest is None or oldest != self._waits or work_is_held():
            self._waits, self._since = oldest, moment
            return False
        if moment - self._since < self.patience_s:
            return False
        self._waits = None
        return True
