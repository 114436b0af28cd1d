"""The queue of the machines with a GPU: what goes there, and what comes back when they die."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.timezone import now
from django_q.models import OrmQ

from imaging import queue
from imaging.models import Heartbeat, Job, Member
from imaging.services import doorbells, workers
from imaging.services.jobs import jobs_recover
from tests.imaging.factories import JobFactory

pytestmark = pytest.mark.django_db


def beat(name="worker:other:gpu", seconds_ago=0, **facts):
    at = now() - timedelta(seconds=seconds_ago)
    facts = {"queue": "gpu", "stopping": False, **facts}
    Heartbeat.objects.update_or_create(name=name, defaults={"at": at, "facts": facts})


def job_on(device: str, weight: float = 1) -> Job:
    job = JobFactory()
    Member.objects.filter(run=job.run).update(device=device, weight=weight)
    return job


@pytest.fixture
def rung(django_capture_on_commit_callbacks):
    """Return a function that rings for a job's user and says in which queues calls wait."""

    def ring(job: Job) -> list[str]:
        with django_capture_on_commit_callbacks(execute=True):
            doorbells.doorbells_ring(job.run.requested_by_id)
        return list(OrmQ.objects.values_list("key", flat=True))

    return ring


@pytest.mark.parametrize("device", ["auto", "cuda", "cuda:1"])
def test_a_job_that_may_use_a_gpu_goes_to_its_queue_while_a_worker_lives_there(rung, device):
    beat()
    assert rung(job_on(device)) == ["gpu"]


@pytest.mark.parametrize(
    "facts", [{"seconds_ago": 60}, {"stopping": True}, {"queue": "cpu"}], ids=str
)
def test_without_a_living_gpu_worker_every_job_goes_to_the_cpu(rung, facts):
    beat(**facts)
    assert rung(job_on("cuda")) == ["cpu"]


def test_a_job_of_cpu_members_alone_stays_there(rung):
    beat()
    assert rung(job_on("cpu")) == ["cpu"]


def test_a_member_that_is_not_run_sends_nobody_to_the_gpu(rung):
    beat()
    job = job_on("cuda", weight=0)
    Member.objects.create(
        run=job.run, model_version=job_on("cpu").run.members.get().model_version, position=1,
        weight=1, share=1, device="cpu",
    )  # fmt: skip
    assert rung(job) == ["cpu"]


def test_a_job_that_a_dead_gpu_worker_left_waiting_goes_to_the_cpu(
    rung, django_capture_on_commit_callbacks
):
    beat()
    job = job_on("cuda")
    assert rung(job) == ["gpu"]
    Job.objects.update(rung_at=now() - timedelta(seconds=120))
    with django_capture_on_commit_callbacks(execute=True):
        assert jobs_recover() == 0, "while it lives, the call is only waiting its turn"
    beat(seconds_ago=60)
    with django_capture_on_commit_callbacks(execute=True):
        assert jobs_recover() == 1
    assert queue.waiting(doorbells.RUN_JOB) == {str(job.pk)}


def test_a_gpu_worker_beats_beside_the_cpu_worker_of_its_machine(monkeypatch):
    workers.worker_beat()
    assert not workers.gpu_worker_is_alive()
    monkeypatch.setattr(queue, "own_queue", lambda: queue.GPU)
    workers.worker_beat()
    assert Heartbeat.objects.count() == 2
    assert workers.worker_name().endswith(":gpu")
    assert workers.gpu_worker_is_alive()
    workers.worker_beat(stopping=True)
    assert not workers.gpu_worker_is_alive()
    assert workers.worker_is_alive(), "the other one lives on"
