"""The watch over the queue, and recoveries that do not stand in each other's way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.timezone import now

from imaging.models import Job, JobStatus
from imaging.services.recovery import Watchdog, recover_all, work_is_held
from tests.imaging.factories import JobFactory, UploadFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def two_recoveries(settings):
    settings.RECOVERIES = ["tests.imaging.test_recovery.broken", "tests.imaging.test_recovery.two"]


def broken() -> int:
    raise ZeroDivisionError("one kind of work is broken")


def two() -> int:
    return 2


def test_one_broken_recovery_does_not_stop_the_others(two_recoveries, caplog):
    assert recover_all() == 2
    assert "broken failed" in caplog.text


def test_the_house_recovers_every_kind_of_work_that_has_a_lease_or_a_clock(settings):
    assert [path.rsplit(".", 1)[1] for path in settings.RECOVERIES] == [
        "jobs_recover",
        "uploads_recover",
        "orders_recover",
        "rules_recover",
        "instances_recover",
        "uploads_expire",
        "model_uploads_recover",
        "label_sessions_expire",
        "label_tokens_forget",
        "reviews_recover",
        "exports_recover",
        "objects_recover",
        "letterheads_recover",
        "glasses_tend",
        "studies_purge",
        "locks_tell",
        "attempts_sweep",
        "deliveries_purge",
        "answers_forget",
    ]


@pytest.mark.parametrize(
    ("make", "held"),
    [
        (lambda: JobFactory(running=True), True),
        (lambda: JobFactory(dead=True), False),
        (lambda: JobFactory(), False),
        (lambda: UploadFactory(lease_until=now() + timedelta(seconds=30)), True),
    ],
)
def test_work_is_held_while_a_lease_runs(make, held):
    make()
    assert work_is_held() is held


def test_an_empty_house_is_never_stuck():
    dog = Watchdog(60)
    assert [dog.is_stuck(t) for t in (0, 100, 200)] == [False, False, False]


@pytest.mark.parametrize("make", [JobFactory, UploadFactory])
def test_work_that_nobody_takes_for_a_minute_is_stuck(make):
    make(rung_at=now())
    dog = Watchdog(60)
    assert [dog.is_stuck(t) for t in (0, 30, 59)] == [False, False, False]
    assert dog.is_stuck(60)
    assert not dog.is_stuck(75)  # the restarted cluster has a minute of its own


def test_a_job_without_a_doorbell_is_no_sign_of_a_stuck_cluster():
    JobFactory(rung_at=None)
    dog = Watchdog(60)
    assert [dog.is_stuck(t) for t in (0, 60, 120)] == [False, False, False]


def test_a_doorbell_that_is_rung_again_does_not_calm_the_dog():
    job = JobFactory(rung_at=now())
    dog = Watchdog(60)
    assert not dog.is_stuck(0)
    Job.objects.filter(pk=job.pk).update(rung_at=now() + timedelta(seconds=50))
    assert dog.is_stuck(60)


def test_work_that_moves_is_not_stuck():
    dog = Watchdog(60)
    for moment in (0, 30, 60, 90):
        Job.objects.update(status=JobStatus.CANCELLED, finished_at=now())
        JobFactory(rung_at=now())
        assert not dog.is_stuck(moment)


def test_a_long_job_keeps_the_dog_quiet():
    JobFactory(rung_at=now())
    JobFactory(running=True)
    dog = Watchdog(60)
    assert [dog.is_stuck(t) for t in (0, 60, 120)] == [False, False, False]
