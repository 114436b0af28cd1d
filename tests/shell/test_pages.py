"""The door, the pulse, and what is said when something goes wrong."""

from __future__ import annotations

import re

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.urls import reverse
from django.utils.timezone import now

from imaging.models import Heartbeat
from imaging.services.workers import worker_beat
from mediscan import views
from tests.accounts.factories import UserFactory

pytestmark = pytest.mark.django_db

POLICY = {
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'",
    "connect-src 'self'", "font-src 'self'", "form-action 'self'", "base-uri 'none'",
    "frame-ancestors 'none'", "object-src 'none'",
}  # fmt: skip


def test_a_stranger_reads_what_it_is_and_what_it_is_not(client):
    answer = client.get(reverse("home"))
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "Research use only. Not for diagnostic use" in page
    assert reverse("account_login") in page
    assert reverse("account_signup") in page
    assert len(re.findall("<h1", page)) == 1


def test_home_leads_the_signed_in_to_their_dashboard(client):
    client.force_login(UserFactory())
    assert client.get(reverse("home")).headers["Location"] == reverse("analytics:dashboard")


def test_every_page_has_the_policy_and_no_reason_to_break_it(client):
    policy = client.get(reverse("home")).headers["Content-Security-Policy"]
    assert {part.strip() for part in policy.split(";")} == POLICY


def test_healthz_asks_nobody(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get(reverse("healthz"))
    assert answer.json() == {"status": "ok"}


def test_readyz_names_each_part(client):
    worker_beat()
    answer = client.get(reverse("readyz"))
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready", "database": "ok", "migrations": "ok", "worker": "ok",
    }  # fmt: skip


def test_a_silent_worker_is_told_but_pages_go_on(client):
    Heartbeat.objects.create(name="worker:old", at=now().replace(year=2001), facts={})
    answer = client.get(reverse("readyz"))
    assert answer.status_code == 200
    assert answer.json()["worker"] == "no sign of life"


def test_readyz_is_503_while_migrations_are_missing(client, monkeypatch):
    monkeypatch.setattr("mediscan.health.MigrationExecutor.migration_plan", lambda *_: ["one"])
    answer = client.get(reverse("readyz"))
    assert answer.status_code == 503
    assert answer.json()["migrations"] == "1 not applied"
    assert answer.headers["Retry-After"] == "10"


def test_readyz_is_503_while_the_database_is_away(client, monkeypatch):
    def away(*_):
        raise OperationalError("no route")

    monkeypatch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.cursor", away)
    answer = client.get(reverse("readyz"))
    assert answer.status_code == 503
    assert answer.json()["database"] == "unreachable"


def test_an_unknown_address_says_what_to_do_and_names_the_request(client):
    client.force_login(UserFactory())
    answer = client.get("/no/such/page/")
    assert answer.status_code == 404
    page = answer.content.decode()
    assert "There is nothing here" in page
    assert answer.headers["X-Request-ID"] in page


def test_a_refusal_names_the_role_that_is_needed(rf):
    request = rf.get("/")
    request.request_id = "abc123"
    answer = views.forbidden(request, PermissionDenied("This needs the role Radiologist."))
    assert answer.status_code == 403
    assert b"This needs the role Radiologist." in answer.content
    assert b"abc123" in answer.content


def test_a_failure_page_needs_neither_database_nor_person(rf, django_assert_num_queries):
    request = rf.get("/")
    request.request_id = "abc123"
    with django_assert_num_queries(0):
        answer = views.server_error(request)
    assert answer.status_code == 500
    assert b"abc123" in answer.content
    assert b"Research use only" in answer.content


def test_a_crash_is_answered_with_the_failure_page(client, monkeypatch):
    monkeypatch.setattr("mediscan.views.render", lambda *_: 1 / 0)
    client.raise_request_exception = False
    answer = client.get(reverse("home"))
    assert answer.status_code == 500
    assert b"Something failed on our side" in answer.content


def test_a_form_without_its_token_is_explained(client):
    client.handler.enforce_csrf_checks = True
    answer = client.post(reverse("account_login"), {"login": "a@example.org"})
    assert answer.status_code == 403
    assert b"open for too long" in answer.content


def test_bad_requests_have_a_page(rf):
    request = rf.get("/")
    request.user = UserFactory()
    assert views.bad_request(request, ValueError("odd")).status_code == 400


@pytest.mark.parametrize("signed_in", [True, False])
def test_help_is_for_everybody_and_names_the_limits_in_force(client, settings, signed_in):
    settings.SESSION_IDLE_S, settings.UPLOAD_MAX_FILE_BYTES = 60 * 17, 333 * 2**20
    if signed_in:
        client.force_login(UserFactory())
    page = client.get(reverse("help")).content.decode()
    assert "after 17 minutes" in page
    assert "333 MB" in page
    assert ("Account menu of" in page) is signed_in
    for place in re.findall(r'href="#(\w+)"', page):
        assert f'id="{place}"' in page


def test_every_page_leads_to_help(client):
    assert f'href="{reverse("help")}"' in client.get(reverse("account_login")).content.decode()
    client.force_login(UserFactory())
    assert f'href="{reverse("help")}"' in client.get("/dashboard/").content.decode()


@pytest.mark.parametrize(
    "path", ["/help/", "/worklist/", "/admin/accounts/membership/?role__exact"]
)
def test_a_nul_in_a_query_is_refused_before_the_database_hears_of_it(client, path):
    """PostgreSQL takes none, and the admin's filters look up what they are given."""
    client.force_login(UserFactory(role="auditor"))
    answer = client.get(f"{path}{'=' if '?' in path else '?a='}b%00c")
    assert answer.status_code == 400
    assert answer.content
