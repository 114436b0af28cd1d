"""Counters: how many tries are free, how long the wait is, and that none slips through at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from accounts.models import AttemptCounter
from accounts.throttle import TooManyAttempts, counters
from accounts.throttle.counters import Counter, Scope

START = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT = Counter("a" * 64, Scope.ACCOUNT, "password")
ADDRESS = Counter("b" * 64, Scope.ADDRESS, "any")


def wait_after(counter: Counter, moment: datetime) -> int:
    """Charge at `moment`; return how long the next try must wait."""
    held = counters.charge(counter, moment)
    return round((held - moment).total_seconds()) if held else 0


@pytest.mark.django_db
def test_five_tries_are_free_and_each_next_wait_is_twice_as_long():
    moment, waits = START, []
    for _ in range(12):
        waits.append(wait_after(ACCOUNT, moment))
        moment += timedelta(seconds=waits[-1])
    assert waits == [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]


@pytest.mark.django_db
def test_who_has_to_wait_is_told_for_how_long_and_not_counted():
    for _ in range(5):
        counters.charge(ACCOUNT, START)
    with pytest.raises(TooManyAttempts) as refusal:
        counters.charge(ACCOUNT, START + timedelta(seconds=9.5))
    assert refusal.value.retry_after_s == 21  # 20.5 s, and nobody comes too early
    assert AttemptCounter.objects.get().count == 5
    assert wait_after(ACCOUNT, START + timedelta(seconds=30)) == 60


@pytest.mark.django_db
def test_a_day_of_quiet_begins_anew():
    for _ in range(5):
        counters.charge(ACCOUNT, START)
    counters.lock(ACCOUNT, START)
    assert wait_after(ACCOUNT, START + timedelta(days=1)) == 0
    row = AttemptCounter.objects.get()
    assert (row.count, row.locked_at, row.held_until) == (1, None, None)


@pytest.mark.django_db
def test_an_address_has_ten_tries_a_minute_however_long_it_goes_on():
    for step in range(60):  # nine a minute for nearly seven minutes
        assert wait_after(ADDRESS, START + timedelta(seconds=7 * step)) == 0
    later = START + timedelta(hours=1)
    assert [wait_after(ADDRESS, later) for _ in range(10)] == [0] * 9 + [60]
    with pytest.raises(TooManyAttempts):
        counters.charge(ADDRESS, later + timedelta(seconds=59))
    assert wait_after(ADDRESS, later + timedelta(seconds=60)) == 0


@pytest.mark.django_db
def test_a_try_of_an_address_that_proved_right_is_given_back():
    for _ in range(10):
        counters.charge(ADDRESS, START)
    counters.refund(ADDRESS)
    assert wait_after(ADDRESS, START) == 60  # the tenth again


@pytest.mark.django_db
def test_a_series_is_locked_once():
    for _ in range(5):
        assert not counters.lock(ACCOUNT, START)
        counters.charge(ACCOUNT, START)
    assert counters.lock(ACCOUNT, START)
    assert not counters.lock(ACCOUNT, START)


@pytest.mark.django_db(transaction=True)
def test_of_forty_at_once_five_pass():
    def attempt(_: int) -> bool:
        try:
            counters.charge(ACCOUNT, START)
        except TooManyAttempts:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as threads:
        passed = list(threads.map(attempt, range(40)))
    assert sum(passed) == 5
    assert AttemptCounter.objects.get().count == 5


@pytest.mark.django_db
def test_a_row_that_others_delete_meanwhile_is_made_again_and_counted(monkeypatch):
    """Whoever proves right deletes the row, perhaps between another's INSERT and UPDATE."""
    free, deleted = counters._free, []

    def gone_first(counter: Counter, moment: datetime):
        if len(deleted) < 5:
            deleted.append(AttemptCounter.objects.filter(pk=counter.key).delete())
        return free(counter, moment)

    monkeypatch.setattr(counters, "_free", gone_first)
    assert wait_after(ACCOUNT, START) == 0
    assert AttemptCounter.objects.get().count == 1
