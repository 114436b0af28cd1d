"""A clock that is set stands in the trail; one that is slewed, or a sleeping machine, does not."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils.timezone import now

from accounts import audit
from accounts.models import AuditEvent
from accounts.services import clock
from accounts.services.clock import JUMP_S, ClockWatch, clock_compare, clock_watch


@pytest.mark.parametrize(
    ("wall", "steady", "jump"),
    [
        (1.0, 1.0, 0.0),
        (3_600.0, 3_600.0, 0.0),  # an hour passed, by both
        (1.0 + JUMP_S - 0.01, 1.0, 0.0),
        (3_601.0, 1.0, 3_600.0),
        (-3_599.0, 1.0, -3_600.0),
    ],
)
def test_a_jump_is_what_one_clock_did_and_the_other_did_not(wall, steady, jump):
    watch = ClockWatch()
    assert watch.jump_s(0.0, 0.0) == 0.0
    assert watch.jump_s(wall, steady) == jump


def test_a_jump_is_told_once():
    watch = ClockWatch(ahead_s=0.0)
    assert [watch.jump_s(100.0, 0.0), watch.jump_s(101.0, 1.0)] == [100.0, 0.0]


@pytest.mark.django_db
def test_a_clock_set_back_by_a_day_is_written_down_once(monkeypatch):
    monkeypatch.setattr(clock, "_watch", ClockWatch())
    assert clock_watch() == 0
    today = time.time
    monkeypatch.setattr(clock.time, "time", lambda: today() - 86_400)
    assert [clock_watch(), clock_watch()] == [1, 0]
    event = AuditEvent.objects.get(action="clock.jump")
    assert (event.outcome, event.reason) == ("failed", "set by -86,400 s")


@pytest.mark.django_db
def test_a_start_before_the_newest_entry_is_written_down(monkeypatch):
    audit.record(None, "plan.change")
    clock_compare()
    assert not AuditEvent.objects.filter(action="clock.jump").exists()
    monkeypatch.setattr(clock, "now", lambda: now() - timedelta(hours=1))
    clock_compare()
    event = AuditEvent.objects.get(action="clock.jump")
    assert event.reason == "the newest entry is 3,600 s ahead of the clock"
