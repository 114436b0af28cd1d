"""The real queue, the real engine, real models: kill anything, and each job ends exactly once."""

from __future__ import annotations

import psutil
import pytest

from tests.imaging.live import Worker, wait_for
from tests.imaging.live.work import (
    alive,
    assert_each_job_ended_once,
    engine_at_work,
    submit,
    uploaded,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


def test_kill_9_of_the_engine_child(user, worker, models):
    run = submit(user, uploaded(user, worker), models[:1])
    engine_at_work(run, worker).kill()
    assert_each_job_ended_once(run, worker)
    assert run.jobs.filter(deaths=1).count() == 1


def test_kill_9_of_the_worker_process(user, worker, models):
    run = submit(user, uploaded(user, worker), models[:1])
    engine = engine_at_work(run, worker)
    engine.parent().kill()
    assert_each_job_ended_once(run, worker)
    assert run.jobs.filter(deaths=1).count() == 1
    assert not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE


def test_kill_9_of_the_whole_cluster(user, worker, models):
    run = submit(user, uploaded(user, worker), models[:1])
    engine_at_work(run, worker)
    worker.kill_cluster()
    assert_each_job_ended_once(run, worker)
    assert run.jobs.filter(deaths=1).count() == 1


def test_kill_9_of_an_idle_worker_that_holds_the_queue(user, worker, models):
    images = uploaded(user, worker, seeds=(1,))
    for process in worker.idle_workers():
        process.kill()
    run = submit(user, images, models[:1])
    assert_each_job_ended_once(run, worker)


def test_kill_9_of_the_supervisor_leaves_nothing_running_and_another_goes_on(
    user, worker, models, tmp_path
):
    run = submit(user, uploaded(user, worker), models[:1])
    engine_at_work(run, worker)
    left = worker.descendants()
    worker.supervisor.kill()
    with Worker(tmp_path / "second.log") as second:
        assert_each_job_ended_once(run, second)
    wait_for(lambda: not [p for p in left if alive(p)], 30, worker.tail)


def test_kill_9_of_supervisor_and_cluster_together_leaves_nothing_running(user, worker, models):
    run = submit(user, uploaded(user, worker, seeds=(1,)), models[:1])
    engine_at_work(run, worker)
    left, cluster = worker.descendants(), worker.cluster
    worker.supervisor.kill()
    cluster.kill()
    wait_for(lambda: not [p for p in left if alive(p)], 30, worker.tail)
