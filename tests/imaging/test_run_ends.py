"""Whoever asked for a run hears in the app that it has ended, once, and nobody by mail."""

import pytest

from accounts.models import Notice
from imaging.services import jobs
from imaging.services.runs import run_cancel
from tests.accounts.factories import UserFactory
from tests.imaging.analyses import fake_analysis
from tests.imaging.factories import JobFactory, RunFactory

pytestmark = pytest.mark.django_db


def claimed(run):
    return jobs.job_claim(str(JobFactory(run=run).pk))


def test_the_last_job_tells_how_the_run_went(
    queued, tmp_path, mailoutbox, django_capture_on_commit_callbacks
):
    run = RunFactory()
    first, second = claimed(run), claimed(run)
    with django_capture_on_commit_callbacks(execute=True):
        assert jobs.job_succeed(first, fake_analysis(first, tmp_path), tmp_path)
        assert not Notice.objects.exists()
        assert jobs.job_fail(second, error="The file is gone.")
        assert not jobs.job_fail(second, error="The file is gone.")  # delivered twice
    notice = Notice.objects.get()
    assert notice.to == run.requested_by
    assert notice.words == "Your run has finished: 1 succeeded, 1 failed."
    assert not mailoutbox


def test_a_job_given_back_is_no_end(queued):
    job = claimed(RunFactory())
    jobs.job_release(job)
    assert not Notice.objects.exists()


def test_a_retry_that_ends_is_told_again(queued):
    job = claimed(RunFactory())
    jobs.job_fail(job, error="no")
    jobs.job_retry(user=job.run.requested_by, job=job)
    jobs.job_fail(jobs.job_claim(str(job.pk)), error="no")
    assert Notice.objects.count() == 2


def test_whoever_cancelled_knows_already(queued):
    user = UserFactory()
    job = JobFactory(user=user, running=True)
    run_cancel(user=user, run=job.run)
    assert not jobs.job_fail(job, error="too late")
    theirs = JobFactory(run=job.run, running=True)  # of a department whose runs go on
    assert jobs.job_fail(theirs, error="no")
    assert not Notice.objects.exists()


def test_a_machine_gets_no_notice(queued):
    job = claimed(RunFactory())
    type(job.run.requested_by).objects.update(is_active=False)
    assert jobs.job_fail(job, error="no")
    assert not Notice.objects.exists()
