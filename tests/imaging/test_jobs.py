"""The life of a job: claimed once, fenced by attempt, never lost, never twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils.timezone import now

from accounts.models import AuditEvent
from imaging.models import Job, JobStatus, Measurement, Result
from imaging.services import jobs
from imaging.services.refusals import NotPossible
from tests.imaging.analyses import fake_analysis
from tests.imaging.factories import ImageFactory, JobFactory, RunFactory

pytestmark = pytest.mark.django_db


def status_of(job: Job) -> str:
    return Job.objects.get(pk=job.pk).status


def test_a_queued_job_is_claimed_once():
    job = JobFactory()
    assert jobs.job_claim(str(job.pk)).attempt == 1
    assert jobs.job_claim(str(job.pk)) is None


def test_a_claim_holds_a_lease_of_a_minute_in_database_time():
    job = jobs.job_claim(str(JobFactory().pk))
    assert timedelta(seconds=55) < job.lease_until - now() < timedelta(seconds=65)
    assert abs(job.started_at - now()) < timedelta(seconds=5)


def test_a_job_whose_worker_died_is_claimed_again_and_the_death_counts():
    job = JobFactory(dead=True)
    claimed = jobs.job_claim(str(job.pk))
    assert (claimed.attempt, claimed.deaths) == (2, 1)


def test_a_job_that_killed_twice_is_left_to_recovery():
    assert jobs.job_claim(str(JobFactory(dead=True, deaths=2).pk)) is None


@pytest.mark.parametrize("state", ["failed", "cancelled", "succeeded"])
def test_a_finished_job_is_never_claimed(state):
    assert jobs.job_claim(str(JobFactory(**{state: True}).pk)) is None


def test_a_result_is_stored_with_all_its_rows(queued, tmp_path):
    job = jobs.job_claim(str(JobFactory().pk))
    assert jobs.job_succeed(job, fake_analysis(job, tmp_path), tmp_path)

    result = Result.objects.get(job=job)
    assert status_of(job) == JobStatus.SUCCEEDED
    assert result.level == 128
    assert result.operating["area_px"] == result.measurements.get(name="area_px").value
    assert {one.name for one in result.maps.all()} == {"ensemble", "member-0"}
    assert result.maps.get(name="ensemble").blob.size == 24 * 32
    assert result.lesions.count() == result.operating["lesions"] == 1
    assert result.members.get().device_used == "cpu"
    null = result.measurements.get(name="volume_ml")
    assert (null.value, bool(null.reason)) == (None, True)


def test_a_worker_that_was_given_up_cannot_finish(queued, tmp_path):
    late = jobs.job_claim(str(JobFactory().pk))
    Job.objects.update(lease_until=now() - timedelta(seconds=1))
    jobs.jobs_recover()
    jobs.job_claim(str(late.pk))

    assert not jobs.job_progress(late, step="x", done=1, total=2)
    assert not jobs.job_fail(late, error="late")
    assert not jobs.job_succeed(late, fake_analysis(late, tmp_path), tmp_path)
    assert (status_of(late), Result.objects.count()) == (JobStatus.RUNNING, 0)


def test_a_result_that_cannot_be_stored_leaves_nothing(queued, tmp_path, monkeypatch):
    job = jobs.job_claim(str(JobFactory().pk))
    analysis = fake_analysis(job, tmp_path)
    analysis["measures"]["operating"]["reasons"] = {}  # a null without its reason
    with pytest.raises(KeyError):
        jobs.job_succeed(job, analysis, tmp_path)
    assert status_of(job) == JobStatus.RUNNING
    assert not Result.objects.exists()
    assert not Measurement.objects.exists()


def test_a_long_error_is_cut_to_the_column(queued):
    job = jobs.job_claim(str(JobFactory().pk))
    assert jobs.job_fail(job, error="x" * 900)
    assert len(Job.objects.get().error) == 500


def test_a_dead_workers_job_goes_back_to_the_queue(queued):
    job = JobFactory(dead=True)
    assert jobs.jobs_recover() == 1
    job.refresh_from_db()
    assert (job.status, job.deaths, job.lease_until) == (JobStatus.QUEUED, 1, None)
    assert queued == [("imaging.tasks.run_job", str(job.pk))]


def test_the_third_death_is_told_in_words(queued):
    job = JobFactory(dead=True, deaths=2, attempt=3)
    jobs.jobs_recover()
    job.refresh_from_db()
    assert (job.status, job.error) == (JobStatus.FAILED, jobs.WORKER_DIED)
    assert job.finished_at is not None
    assert queued == []


def test_a_living_workers_job_is_left_alone(queued):
    job = JobFactory(running=True)
    assert jobs.jobs_recover() == 0
    assert status_of(job) == JobStatus.RUNNING


def test_a_lost_doorbell_is_rung_again_once(queued, monkeypatch):
    job = JobFactory(rung_at=now() - timedelta(minutes=2))
    assert jobs.jobs_recover() == 1
    assert queued == [("imaging.tasks.run_job", str(job.pk))]
    assert jobs.jobs_recover() == 0


def test_a_doorbell_that_still_waits_is_not_rung_again(queued, monkeypatch):
    job = JobFactory(rung_at=now() - timedelta(minutes=2))
    monkeypatch.setattr("imaging.queue.waiting", lambda *asked: {str(job.pk)})
    assert jobs.jobs_recover() == 0
    assert queued == []


def test_a_job_that_never_had_a_doorbell_gets_one(queued):
    job = JobFactory(rung_at=None)
    jobs.jobs_recover()
    assert queued == [("imaging.tasks.run_job", str(job.pk))]


def test_few_doorbells_of_one_user_and_each_finish_rings_the_next(queued, settings):
    settings.DOORBELLS_PER_USER = 2
    run = RunFactory()
    batch = [JobFactory(run=run, image=ImageFactory(user=run.requested_by)) for _ in range(5)]
    jobs.jobs_recover()
    assert [call[1] for call in queued] == [str(job.pk) for job in batch[:2]]

    queued.clear()
    jobs.job_fail(jobs.job_claim(str(batch[0].pk)), error="no")
    assert [call[1] for call in queued] == [str(batch[2].pk)]


def test_another_users_single_job_is_rung_beside_a_batch(queued, settings):
    settings.DOORBELLS_PER_USER = 2
    run = RunFactory()
    for _ in range(5):
        JobFactory(run=run, image=ImageFactory(user=run.requested_by))
    single = JobFactory()
    jobs.jobs_recover()
    assert ("imaging.tasks.run_job", str(single.pk)) in queued
    assert len(queued) == 3


def test_an_engine_that_died_gives_two_more_attempts_then_its_sentence(queued):
    job = JobFactory()
    for _ in range(3):
        assert status_of(job) == JobStatus.QUEUED
        jobs.job_died(jobs.job_claim(str(job.pk)), error="The analysis process stopped.")
    job.refresh_from_db()
    assert (job.status, job.error) == (JobStatus.FAILED, "The analysis process stopped.")


def test_a_job_that_is_given_back_costs_no_life(queued):
    job = jobs.job_claim(str(JobFactory().pk))
    jobs.job_release(job)
    job.refresh_from_db()
    assert (job.status, job.deaths, len(queued)) == (JobStatus.QUEUED, 0, 1)


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_retry_starts_anew_and_keeps_the_fence(queued, state):
    job = JobFactory(**{state: True}, deaths=3)
    Job.objects.filter(pk=job.pk).update(attempt=3)
    again = jobs.job_retry(user=job.run.requested_by, job=job)
    assert (again.status, again.deaths, again.attempt, again.error) == ("queued", 0, 3, "")
    assert again.finished_at is None
    assert queued == [("imaging.tasks.run_job", str(job.pk))]


def test_a_second_retry_changes_nothing(queued):
    job = JobFactory(failed=True)
    for _ in range(2):
        jobs.job_retry(user=job.run.requested_by, job=job)
    assert len(queued) == 1
    assert AuditEvent.objects.filter(action="job.retry").count() == 1


def test_what_succeeded_is_not_run_again(queued):
    job = JobFactory(succeeded=True)
    with pytest.raises(NotPossible, match="new run"):
        jobs.job_retry(user=job.run.requested_by, job=job)


def test_a_claim_costs_two_statements(django_assert_num_queries):
    job = JobFactory()
    with django_assert_num_queries(2):
        jobs.job_claim(str(job.pk))


def test_recovery_of_an_idle_house_is_cheap(django_assert_max_num_queries, queued):
    for _ in range(3):
        JobFactory(succeeded=True)
    with django_assert_max_num_queries(3):
        jobs.jobs_recover()


def test_lease_times_compare_as_times_in_the_database():
    """SQLite keeps times as text: a lease must sort with Now() whatever its fraction."""
    job = jobs.job_claim(str(JobFactory().pk))
    with connection.cursor() as cursor:
        cursor.execute("SELECT lease_until FROM imaging_job")
        assert cursor.fetchone()[0] is not None
    assert Job.objects.filter(pk=job.pk, lease_until__gt=now() + timedelta(seconds=50)).exists()
    assert Job.objects.filter(pk=job.pk, lease_until__lt=now() + timedelta(seconds=70)).exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_that_reach_for_one_job_a_single_one_gets_it():
    job = JobFactory()
    start = threading.Barrier(6)

    def reach(_) -> bool:
        start.wait()
        try:
            return jobs.job_claim(str(job.pk)) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        got = list(pool.map(reach, range(6)))
    assert sorted(got) == [False] * 5 + [True]
    assert Job.objects.get().attempt == 1


def test_maps_of_a_job_that_is_no_longer_ours_leave_no_file(queued, tmp_path, settings):
    job = JobFactory(running=True)
    Job.objects.update(attempt=2)
    blobs = settings.DATA_DIR / "blobs"
    before = {path for path in blobs.rglob("*") if path.is_file()}
    assert jobs.job_succeed(job, fake_analysis(job, tmp_path), tmp_path) is False
    assert {path for path in blobs.rglob("*") if path.is_file()} == before


def test_a_map_that_cannot_be_read_leaves_none_of_the_others(queued, tmp_path, settings):
    job = jobs.job_claim(str(JobFactory().pk))
    analysis = fake_analysis(job, tmp_path)
    (tmp_path / analysis["maps"]["ensemble"]).unlink()
    blobs = settings.DATA_DIR / "blobs"
    before = {path for path in blobs.rglob("*") if path.is_file()}
    with pytest.raises(FileNotFoundError):
        jobs.job_succeed(job, analysis, tmp_path)
    assert {path for path in blobs.rglob("*") if path.is_file()} == before
    assert status_of(job) == JobStatus.RUNNING
