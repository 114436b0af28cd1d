"""Leases: asked seldom, renewed in time, lost loudly."""

from __future__ import annotations

import pytest
from django.utils.timezone import now

from imaging.models import Job, JobStatus
from imaging.services import jobs
from imaging.services.leases import LOOK_S, LeaseKeeper, LeaseLost, WorkerStopping
from imaging.services.workers import worker_beat, worker_is_alive
from tests.imaging.factories import JobFactory

pytestmark = pytest.mark.django_db


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def job():
    return jobs.job_claim(str(JobFactory().pk))


@pytest.fixture
def clock():
    return Clock()


def keeper_of(job: Job, clock: Clock) -> LeaseKeeper:
    return LeaseKeeper(lambda: jobs.job_held(job), clock)


def test_many_calls_in_a_moment_cost_nothing(job, clock, django_assert_num_queries):
    keep = keeper_of(job, clock)
    with django_assert_num_queries(0):
        for _ in range(100):
            keep()


def test_it_renews_after_a_quarter_of_the_lease(job, clock):
    keep = keeper_of(job, clock)
    Job.objects.update(lease_until=now())
    clock.now += 14
    keep()
    assert Job.objects.get().lease_until <= now()
    clock.now += 3
    keep()
    assert (Job.objects.get().lease_until - now()).total_seconds() > 50


def test_it_makes_sure_of_the_lease_only_when_a_quarter_of_it_is_gone(
    job, clock, django_assert_num_queries
):
    keep = keeper_of(job, clock)
    clock.now += 14
    with django_assert_num_queries(0):
        keep.secure()
    clock.now += 3
    Job.objects.update(lease_until=now())
    keep.secure()
    assert (Job.objects.get().lease_until - now()).total_seconds() > 50
    Job.objects.update(status=JobStatus.CANCELLED, finished_at=now())
    clock.now += 60
    with pytest.raises(LeaseLost):
        keep.secure()


@pytest.mark.parametrize("after", [LOOK_S, 60])
def test_a_job_that_was_cancelled_is_lost(job, clock, after):
    keep = keeper_of(job, clock)
    Job.objects.update(status=JobStatus.CANCELLED, finished_at=now())
    clock.now += after
    with pytest.raises(LeaseLost):
        keep()


def test_a_worker_that_was_told_to_stop_hears_of_it(job, clock):
    keep = keeper_of(job, clock)
    worker_beat(stopping=True)
    clock.now += LOOK_S
    with pytest.raises(WorkerStopping):
        keep()


def test_a_heartbeat_says_that_the_worker_lives_until_it_stops():
    assert not worker_is_alive()
    worker_beat(cluster=1)
    assert worker_is_alive()
    worker_beat(stopping=True)
    assert not worker_is_alive()
