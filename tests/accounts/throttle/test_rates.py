"""Flood limits: so many a minute for each person, for pages and for programs."""

from __future__ import annotations

import pytest
import time_machine
from django.core.cache import cache
from django.urls import reverse
from rest_framework.test import APIClient

from tests.accounts.factories import UserFactory

pytestmark = pytest.mark.django_db
RATES = {"read": "3/min", "write": "2/min"}


@pytest.fixture(autouse=True)
def one_minute():
    """Nothing is counted yet, and the minute does not end while a slow machine counts."""
    cache.clear()
    with time_machine.travel("2026-03-01T10:00:10Z", tick=False):
        yield
    cache.clear()


@pytest.mark.parametrize(
    ("name", "most"),
    [("imaging:upload-create", 60), ("imaging:run-create", 30), ("reports:export-create", 10)],
)
def test_a_person_posts_so_often_and_no_more(client, name, most):
    client.force_login(UserFactory())
    address = reverse(name)
    assert 429 not in [client.post(address).status_code for _ in range(most)]
    answer = client.post(address)
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert "then try again" in answer.content.decode()
    client.force_login(UserFactory())
    assert client.post(address).status_code != 429


@pytest.fixture
def rates(settings):
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": RATES}


def signed_in() -> APIClient:
    client = APIClient()
    client.force_login(UserFactory())
    return client


def test_a_program_reads_so_often_and_no_more(rates):
    client = signed_in()
    answers = [client.get("/api/v1/me/") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].json()["code"] == "throttled"
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    assert signed_in().get("/api/v1/me/").status_code == 200


def test_a_forged_address_is_no_new_program(rates):
    statuses = [
        APIClient()
        .post("/api/v1/token/refresh/", {"refresh": "x"}, HTTP_X_FORWARDED_FOR=f"203.0.113.{n}")
        .status_code
        for n in range(3)
    ]
    assert statuses == [401, 401, 429]
