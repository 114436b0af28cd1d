"""What cannot be answered now is said as a problem: the database is away, the disk is full."""

from __future__ import annotations

import errno

import pytest
from django.db import OperationalError
from django.urls import reverse

from tests.accounts.api.calls import bearer, pair_of
from tests.accounts.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (OperationalError("server closed the connection"), 503, "unavailable"),
        (OSError(errno.ENOSPC, "No space left on device"), 507, "no_space"),
    ],
)
def test_it_is_a_problem_with_the_remedy(client, monkeypatch, fault, status, code):
    headers = bearer(pair_of(client, UserFactory())["access"])

    def failing(user):
        raise fault

    monkeypatch.setattr("accounts.api.views.memberships_by_organisation", failing)
    answer = client.get(reverse("api:me"), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "server closed" not in answer.json()["detail"]
    assert ("Retry-After" in answer) == (status == 503)
