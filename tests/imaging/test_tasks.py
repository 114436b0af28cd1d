"""What the queue calls: delivered twice, expected and unexpected ends, never a raise."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from accounts.vault.staging import blob_path
from imaging import tasks
from imaging.engine.client import EngineDied, EngineFailed, EngineTimeout
from imaging.models import Job, JobStatus, ModelState, Result
from imaging.services import analysis
from imaging.services.jobs import jobs_recover
from imaging.services.leases import WorkerStopping
from imaging.services.runs import run_cancel
from imaging.types import InferenceError
from tests.imaging.analyses import fake_analysis
from tests.imaging.factories import JobFactory, UploadFactory, ramp
from tests.imaging.fake_engine import FakeEngine

pytestmark = pytest.mark.django_db


@pytest.fixture
def job():
    return JobFactory()


def engine_for(monkeypatch, *answers) -> FakeEngine:
    engine = FakeEngine(*answers)
    monkeypatch.setattr(analysis, "infer_engine", lambda **options: engine)
    return engine


def ends(job: Job) -> tuple[str, str]:
    job.refresh_from_db()
    return job.status, job.error


def answer(job: Job):

    def analyse(args):
        return {"analysis": fake_analysis(job, Path(args["out_dir"]))}

    return analyse


def test_the_engine_gets_the_pixels_and_the_result_is_stored(job, monkeypatch, queued):
    seen = {}

    def analyse(args):

        seen.update(args, bytes=Path(args["pixels"]).read_bytes())
        return answer(job)(args)

    engine_for(monkeypatch, analyse)
    tasks.run_job(str(job.pk))
    assert ends(job) == (JobStatus.SUCCEEDED, "")
    assert seen["bytes"] == ramp().tobytes()
    assert (seen["dtype"], seen["shape"]) == ("uint8", [1, 24, 32])
    assert seen["spec"] == job.run.frozen
    assert seen["volume"]["slope"] == 1.0
    assert Result.objects.get().job == job


def test_no_scratch_is_left_behind(job, monkeypatch, queued):

    engine = engine_for(monkeypatch, answer(job))
    tasks.run_job(str(job.pk))
    assert not Path(engine.calls[0][1]["out_dir"]).exists()


def test_delivered_twice_it_runs_once(job, monkeypatch, queued):
    engine = engine_for(monkeypatch, answer(job))
    for _ in range(2):
        tasks.run_job(str(job.pk))
    assert (len(engine.calls), Result.objects.count()) == (1, 1)


def test_an_expected_failure_is_told(job, monkeypatch, queued):
    engine_for(monkeypatch, InferenceError("Model “x” 1.0.0 failed: no such layer."))
    tasks.run_job(str(job.pk))
    assert ends(job) == (JobStatus.FAILED, "Model “x” 1.0.0 failed: no such layer.")


@pytest.mark.parametrize("error", [ZeroDivisionError("secret path"), EngineFailed()])
def test_an_unexpected_failure_is_hidden_and_logged(job, monkeypatch, queued, caplog, error):
    engine_for(monkeypatch, error)
    tasks.run_job(str(job.pk))
    assert ends(job) == (JobStatus.FAILED, "The analysis failed unexpectedly.")
    assert type(error).__name__ in caplog.text


@pytest.mark.parametrize("error", [EngineDied(), EngineTimeout()])
def test_an_engine_that_dies_is_tried_three_times_then_told(job, monkeypatch, queued, error):
    engine_for(monkeypatch, error, error, error)
    for attempt in range(3):
        assert ends(job)[0] == JobStatus.QUEUED
        tasks.run_job(str(job.pk))
        assert len(queued) == min(attempt + 1, 2)
    assert ends(job) == (JobStatus.FAILED, str(error))


def test_a_cancelled_job_stops_the_engine_and_stores_nothing(job, monkeypatch, queued):
    def cancelled_meanwhile(args):
        run_cancel(user=job.run.requested_by, run=job.run)
        return answer(job)(args)

    engine_for(monkeypatch, cancelled_meanwhile)
    tasks.run_job(str(job.pk))
    assert ends(job) == (JobStatus.CANCELLED, "")
    assert not Result.objects.exists()


def test_progress_of_a_cancelled_job_raises_into_the_engine(job, monkeypatch, queued):
    class Cancelling(FakeEngine):
        def call(self, *args, **kwargs):
            run_cancel(user=job.run.requested_by, run=job.run)
            return super().call(*args, **kwargs)

    engine = Cancelling(pytest.fail)
    monkeypatch.setattr(analysis, "infer_engine", lambda **options: engine)
    tasks.run_job(str(job.pk))
    assert ends(job)[0] == JobStatus.CANCELLED


def test_progress_is_shown_while_the_engine_works(job, monkeypatch, queued):
    seen = []

    def analyse(args):
        seen.extend(Job.objects.values_list("step", "steps_done", "steps_total"))
        return answer(job)(args)

    engine_for(monkeypatch, analyse)
    tasks.run_job(str(job.pk))
    assert seen == [("Model 1 of 1", 0, 1)]


def test_an_image_that_is_done_at_once_writes_twice(job, monkeypatch, queued, settings):
    """It is claimed and it is finished; steps and lease cost nothing in between."""

    class Quick(FakeEngine):
        def call(self, *args, on_wait=None, **kwargs):
            return super().call(*args, on_wait=None, **kwargs)

    engine = Quick(answer(job))
    monkeypatch.setattr(analysis, "infer_engine", lambda **options: engine)
    with CaptureQueriesContext(connection) as seen:
        tasks.run_job(str(job.pk))
    assert ends(job)[0] == JobStatus.SUCCEEDED
    updates = [query["sql"] for query in seen if query["sql"].startswith('UPDATE "imaging_job"')]
    assert len([sql for sql in updates if "rung_at" not in sql]) == 2


def test_a_worker_that_was_told_to_stop_gives_the_job_back(job, monkeypatch, queued):
    engine_for(monkeypatch, WorkerStopping())
    tasks.run_job(str(job.pk))
    job.refresh_from_db()
    assert (job.status, job.deaths) == (JobStatus.QUEUED, 0)
    assert queued == [("imaging.tasks.run_job", str(job.pk))]


def test_a_damaged_image_fails_its_job_alone(job, monkeypatch, queued, caplog):

    pixels = job.image.pixels
    path = blob_path(pixels.pk, pixels.version)
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    engine_for(monkeypatch)
    tasks.run_job(str(job.pk))
    assert ends(job) == (JobStatus.FAILED, "The analysis failed unexpectedly.")


def test_a_model_whose_file_changed_is_quarantined_after_it_failed(
    job, monkeypatch, queued, settings, tmp_path
):
    settings.MODELS_DIR = tmp_path  # the member's folder is not there
    engine_for(monkeypatch, InferenceError("Model “x”: file model.onnx has changed."))
    tasks.run_job(str(job.pk))
    model = job.run.members.get().model_version
    assert model.state == ModelState.QUARANTINED
    assert model.problem


def test_a_database_that_is_away_raises_nothing_into_the_queue(job, monkeypatch, caplog):
    def away(*args, **kwargs):
        raise OperationalError("gone")

    monkeypatch.setattr("imaging.services.jobs.job_claim", away)
    tasks.run_job(str(job.pk))
    assert "OperationalError" in caplog.text


def test_a_database_that_goes_away_meanwhile_costs_the_attempt_not_the_job(
    job, monkeypatch, queued, caplog
):
    engine_for(monkeypatch, OperationalError("gone"))
    tasks.run_job(str(job.pk))
    assert ends(job) == (JobStatus.RUNNING, "")  # its lease runs out and it is taken up again
    Job.objects.update(lease_until=now() - timedelta(seconds=1))
    jobs_recover()
    assert ends(job)[0] == JobStatus.QUEUED


def test_one_image_costs_few_statements(job, monkeypatch, queued, django_assert_max_num_queries):
    engine_for(monkeypatch, answer(job))
    with django_assert_max_num_queries(42):  # one asks which system wants to hear of it
        tasks.run_job(str(job.pk))


def test_an_ingest_that_fails_raises_nothing_into_the_queue(monkeypatch, caplog):
    upload = UploadFactory()
    monkeypatch.setattr("imaging.services.uploads.upload_ingest", lambda pk: 1 / 0)
    tasks.ingest_upload(str(upload.pk))
    assert "ZeroDivisionError" in caplog.text
    assert str(upload.pk) in caplog.text
