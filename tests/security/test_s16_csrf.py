"""S16: an unsafe request without its token is refused everywhere; a GET changes nothing."""

from __future__ import annotations

import hashlib

import pytest
from django.apps import apps
from django.test import Client

from tests.accounts.factories import UserFactory, enrol, verify
from tests.browser.story import addresses_of_a_working_day
from tests.security.walk import UNSAFE, real_addresses, routes

PROGRAMS = (
    "api:",
    "plain:",
    "dicomweb:",
    "ml:",
)  # addresses that take a token, and no cookie of a session

pytestmark = pytest.mark.django_db
# what a GET may write: that it was made, and by whom
RECORDS = {
    "accounts.auditevent", "accounts.auditpending", "accounts.notice", "sessions.session",
    "usersessions.usersession",
}  # fmt: skip


@pytest.fixture
def chief():
    """Somebody who may do everything, so that nothing but the token is missing."""
    user = UserFactory(is_staff=True, is_superuser=True)
    enrol(user)
    return user


def signed_in(user, **options) -> Client:
    return verify(Client(raise_request_exception=False, **options), user)


def test_no_unsafe_request_passes_without_its_token(chief):
    client, passed = signed_in(chief, enforce_csrf_checks=True), []
    for route in routes():
        if route.name.startswith(PROGRAMS):
            continue
        for method in UNSAFE:
            answer = client.generic(method, route.address)
            if answer.status_code != 403:
                passed.append(f"{method} {route.name}: {answer.status_code}")
    assert passed == []


def test_only_the_programs_doors_need_no_token_and_they_know_no_session(chief):
    exempt = {route.name for route in routes() if getattr(route.view, "csrf_exempt", False)}
    assert {name for name in exempt if not name.startswith(PROGRAMS)} == set()
    client = signed_in(chief, enforce_csrf_checks=True)
    for route in routes():
        if route.name.startswith(PROGRAMS):
            for method in UNSAFE:
                status = client.generic(method, route.address).status_code
                assert status in (400, 401, 403, 404, 405, 415, 422), (method, route.name, status)


def test_a_get_changes_no_row(chief, tmp_path, queued):
    """Rows that record the visit itself are left out, by name."""
    addresses = list(addresses_of_a_working_day(chief, tmp_path).values())
    client = signed_in(chief)
    addresses += real_addresses()
    before, called = rows(), len(queued)
    answered = [client.get(address).status_code for address in addresses]
    assert rows() == before
    assert len(queued) == called
    assert answered.count(200) > 60, "the crawl opened the house"
    assert max(answered) < 500


def rows() -> dict[str, str]:
    """A digest of every row of every table but the records."""
    return {
        model._meta.label: hashlib.sha256(
            repr(list(model._base_manager.order_by("pk").values_list())).encode()
        ).hexdigest()
        for model in apps.get_models()
        if model._meta.label_lower not in RECORDS and model._meta.managed
    }
