"""Files of results by API: asked for, followed, taken away by their maker alone."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEvent, TokenFamily
from tests.accounts.api.calls import bearer, pair_of
from tests.accounts.factories import MembershipFactory, UserFactory
from tests.imaging.factories import ResultFactory, stored
from tests.reports.factories import ExportFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def headers(client, user):
    return bearer(pair_of(client, user)["access"])


@pytest.fixture
def ask(client, headers, queued):
    def send(status, **body):
        answer = client.post(
            reverse("api:export-list"), json.dumps(body), headers=headers,
            content_type="application/json",
        )  # fmt: skip
        assert answer.status_code == status, answer.content
        return answer

    return send


def test_a_report_is_asked_for_and_made_in_the_background(ask, user, queued):
    result = ResultFactory(user=user)
    answer = ask(202, kind="pdf", results=[str(result.pk)])
    body = answer.json()
    assert (body["status"], body["total"]) == ("queued", 1)
    assert answer["Location"] == reverse("api:export-detail", args=[body["id"]])
    assert queued == [("reports.tasks.make_export", body["id"])]


def test_many_in_one_file_take_a_sign_in_just_made(ask, user):
    run = ResultFactory(user=user).job.run_id
    ask(202, kind="csv", runs=[str(run)])
    TokenFamily.objects.update(created_at=now() - timedelta(minutes=6))
    refused = ask(403, kind="csv", runs=[str(run)]).json()
    assert refused["code"] == "step_up_required"
    ask(202, kind="pdf", runs=[str(run)])


def test_anothers_result_is_in_no_file(ask):
    refused = ask(422, kind="pdf", results=[str(ResultFactory().pk)]).json()
    assert refused["code"] == "not_possible"


def test_the_file_is_its_makers(client, headers, user):
    organisation = user.memberships.get().organisation
    blob = stored(organisation, b"%PDF-", "export")
    mine = ExportFactory(
        user=user, organisation=organisation, results=[], kind="pdf", status="succeeded", blob=blob
    )
    answer = client.get(reverse("api:export-content", args=[mine.pk]), headers=headers)
    assert answer.getvalue() == b"%PDF-"
    assert answer["Content-Type"] == "application/pdf"
    assert AuditEvent.objects.filter(action="export.download").count() == 1
    colleague = MembershipFactory(organisation=organisation).user
    others = ExportFactory(
        user=colleague, organisation=organisation, results=[], kind="pdf", status="succeeded",
        blob=stored(organisation, b"%PDF-", "export"),
    )  # fmt: skip
    there = reverse("api:export-content", args=[others.pk])
    assert client.get(there, headers=headers).status_code == 404


def test_a_file_that_is_not_made_yet_is_not_there(client, headers, user):
    export = ExportFactory(results=[ResultFactory(user=user)], user=user)
    there = reverse("api:export-content", args=[export.pk])
    assert client.get(there, headers=headers).status_code == 404
