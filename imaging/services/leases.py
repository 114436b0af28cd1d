"""Leases by the database's clock: whoever works on a row holds it, a minute at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db.models import DateTimeField, Expression, ExpressionWrapper, QuerySet
from django.db.models.functions import Now

from imaging.services.workers import is_stopping

LOOK_S = 2.0
MAX_DEATHS = 3


class LeaseLost(Exception):
    """The row was cancelled, or is another worker's now: what was computed is thrown away."""


class WorkerStopping(Exception):
    """This machine's worker was told to stop: the row goes back to the queue."""


def lease_end() -> Expression:
    """When a lease taken by this statement ends, in database time."""
    return ExpressionWrapper(
        Now() + timedelta(seconds=settings.LEASE_S), output_field=DateTimeField()
    )


class LeaseKeeper:
    """Keeps a lease while its holder computes. Call it often: it asks seldom, writes rarely.

    held   makes the queryset of the row as long as it is still this holder's.

    Raises: LeaseLost, WorkerStopping.
    """

    def __init__(
        self, held: Callable[[], QuerySet], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._held, self._clock = held, clock
        self._look_at = clock() + LOOK_S
        self._renew_at = clock() + settings.LEASE_S / 4

    def __call__(self) -> None:
        moment = self._clock()
        if moment < self._look_at:
            return
        self._look_at = moment + LOOK_S
        if is_stopping():
            raise WorkerStopping
        if not self._still_held(moment):
            raise LeaseLost

    def secure(self) -> None:
        """Make sure that three quarters of the lease are left for what cannot ask meanwhile."""
        moment = self._clock()
        if moment >= self._renew_at and not self._still_held(moment):
            raise LeaseLost

    def _still_held(self, moment: float) -> bool:
        if moment < self._renew_at:
            return self._held().exists()
        self._renew_at = moment + settings.LEASE_S / 4
        return bool(self._held().update(lease_until=lease_end()))
