"""Runs and jobs in the admin: who operates queues again what failed, from the list or a page."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from accounts.models import AuditEvent
from accounts.roles import ADMINISTRATOR
from imaging.models import JobStatus
from tests.accounts.factories import StrangerFactory, UserFactory, verify
from tests.imaging.factories import JobFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    user = StrangerFactory(is_staff=True, is_superuser=True)
    verify(client, user)
    return user


def page(client, model: str, *args) -> str:
    what = "change" if args else "changelist"
    return client.get(reverse(f"admin:imaging_{model}_{what}", args=args)).content.decode()


@pytest.mark.parametrize("model", ["job", "run"])
def test_an_operator_queues_again_from_the_page_of_a_run_or_a_job(client, operator, queued, model):
    job = JobFactory(failed=True)
    row = job if model == "job" else job.run
    assert 'value="retry"' in page(client, model, row.pk)
    there = reverse(f"admin:imaging_{model}_changelist")
    answer = client.post(there, {"action": "retry", "_selected_action": row.pk})
    job.refresh_from_db()
    assert job.status == JobStatus.QUEUED
    assert AuditEvent.objects.filter(action="job.retry", actor=operator).exists()
    assert [str(one) for one in get_messages(answer.wsgi_request)] == ["1 job is queued."]
    assert 'value="retry"' not in page(client, model, row.pk).split('id="content-main"')[1]


def test_of_a_run_only_what_failed_is_queued(client, operator, queued):
    failed = JobFactory(failed=True)
    done = JobFactory(run=failed.run, succeeded=True)
    there = reverse("admin:imaging_run_changelist")
    client.post(there, {"action": "retry", "_selected_action": failed.run.pk})
    for job in (failed, done):
        job.refresh_from_db()
    assert (failed.status, done.status) == (JobStatus.QUEUED, JobStatus.SUCCEEDED)


def test_where_nothing_failed_it_says_so(client, operator, queued):
    job = JobFactory(succeeded=True)
    there = reverse("admin:imaging_job_changelist")
    answer = client.post(there, {"action": "retry", "_selected_action": job.pk})
    assert "no job here failed" in str(next(iter(get_messages(answer.wsgi_request))))


def test_an_administrator_of_a_house_looks_and_does_not_operate(client, queued):
    job = JobFactory(failed=True)
    verify(client, UserFactory(organisation=job.organisation, role=ADMINISTRATOR))
    assert 'value="retry"' not in page(client, "job", job.pk)
    there = reverse("admin:imaging_job_changelist")
    client.post(there, {"action": "retry", "_selected_action": job.pk})
    job.refresh_from_db()
    assert job.status == JobStatus.FAILED


def test_why_a_job_failed_is_read_in_ones_own_language(client, operator):
    JobFactory(failed=True, error="The analysis failed unexpectedly.")
    operator.language = "de"
    operator.save()
    assert "Die Analyse ist unerwartet gescheitert." in page(client, "job")
