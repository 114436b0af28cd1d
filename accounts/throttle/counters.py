"""Counters as rows: charged before a try and given back when it proves right, by UPDATE alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Greatest

from accounts.attempt_tables import AttemptCounter
from accounts.throttle.errors import TooManyAttempts

Scope = AttemptCounter.Scope
# the sixth try waits half a minute, each next twice as long, none longer than 15 minutes
FREE_TRIES = 5
WAITS_S = (30, 60, 120, 240, 480, 900)
# an account's tries are forgotten after a day of quiet; sooner would give a patient guesser more
ACCOUNT_QUIET_S = 24 * 3600
ADDRESS_TRIES, ADDRESS_WINDOW_S = 10, 60
# a round is lost when somebody's success deletes the row between its insertion and our UPDATE
ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Counter:
    """One row's name, and whose tries it counts."""

    key: str
    scope: Scope
    kind: str
    user_id: object = None


def charge(counter: Counter, moment: datetime) -> datetime | None:
    """Count one try; return until when the next must wait, or None.

    Of many that come at once no more than the free ones pass: each UPDATE counts
    and holds in one step. Raises TooManyAttempts, having counted nothing.
    """
    for _ in range(ROUNDS):  # a new row is inserted by whoever comes first, and counted by all
        if _free(counter, moment).update(**_one_more(counter.scope, moment)):
            row = AttemptCounter.objects.values_list("held_until", flat=True)
            return row.get(pk=counter.key)
        held = _held_until(counter, moment)
        if held is not None:
            raise TooManyAttempts(max(1, math.ceil((held - moment).total_seconds())))
        AttemptCounter.objects.bulk_create([_new(counter, moment)], ignore_conflicts=True)
    raise RuntimeError(f"counter {counter.key} vanished {ROUNDS} times")


def refund(counter: Counter) -> None:
    """Take back the try that proved right, and the wait that it may have begun."""
    AttemptCounter.objects.filter(pk=counter.key).update(
        count=Greatest(F("count") - 1, Value(0)), held_until=None
    )


def forget(counter: Counter) -> None:
    """Begin anew: the secret was known."""
    AttemptCounter.objects.filter(pk=counter.key).delete()


def lock(counter: Counter, moment: datetime) -> bool:
    """Note that the series of tries is held; say whether that is new."""
    rows = AttemptCounter.objects.filter(pk=counter.key, locked_at=None, held_until__gt=moment)
    return bool(rows.update(locked_at=moment))


def _free(counter: Counter, moment: datetime):
    is_free = Q(held_until=None) | Q(held_until__lte=moment)
    return AttemptCounter.objects.filter(is_free, pk=counter.key)


def _held_until(counter: Counter, moment: datetime) -> datetime | None:
    rows = AttemptCounter.objects.filter(pk=counter.key, held_until__gt=moment)
    return rows.values_list("held_until", flat=True).first()


def _new(counter: Counter, moment: datetime) -> AttemptCounter:
    return AttemptCounter(
        key=counter.key,
        scope=counter.scope,
        kind=counter.kind,
        user_id=counter.user_id,
        first_at=moment,
        last_at=moment,
    )


def _one_more(scope: Scope, moment: datetime) -> dict:
    """The columns after one more try; the database counts, not we."""
    if scope == Scope.ADDRESS:
        stale = Q(first_at__lte=moment - timedelta(seconds=ADDRESS_WINDOW_S))
        waits = {ADDRESS_TRIES: ADDRESS_WINDOW_S}
    else:
        stale = Q(last_at__lte=moment - timedelta(seconds=ACCOUNT_QUIET_S))
        waits = {FREE_TRIES + step: wait for step, wait in enumerate(WAITS_S)}
    longest_first = sorted(waits.items(), reverse=True)
    holds = [
        When(count__gte=tries - 1, then=Value(moment + timedelta(seconds=wait)))
        for tries, wait in longest_first
    ]
    return {
        "count": Case(When(stale, then=Value(1)), default=F("count") + 1),
        "first_at": Case(When(stale, then=Value(moment)), default=F("first_at")),
        "last_at": moment,
        "held_until": Case(When(stale, then=None), *holds, default=None),
        "locked_at": Case(When(stale, then=None), default=F("locked_at")),
        "told_at": Case(When(stale, then=None), default=F("told_at")),
    }
