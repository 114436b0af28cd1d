"""S8: what a client writes into forwarding headers changes neither its count nor its name."""

from __future__ import annotations

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.throttle import client_ip

pytestmark = pytest.mark.django_db
HEADERS = ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP"]


def forged(header: str, number: int) -> dict[str, str]:
    value = f"203.0.113.{number}"
    return {header: f"for={value}" if header == "Forwarded" else value}


@pytest.mark.parametrize("header", HEADERS)
def test_a_new_forged_address_for_each_try_does_not_help(header):
    statuses = [
        Client()
        .post(
            reverse("account_login"),
            {"login": f"person{number}@example.org", "password": "wrong"},
            headers=forged(header, number),
        )
        .status_code
        for number in range(12)
    ]
    assert statuses == [422] * 10 + [429] * 2


@pytest.mark.parametrize("header", HEADERS)
def test_the_address_that_is_written_down_is_the_sockets(header):
    request = RequestFactory().get("/", headers=forged(header, 9), REMOTE_ADDR="192.0.2.1")
    assert client_ip(request) == "192.0.2.1"


def test_behind_one_proxy_only_what_the_proxy_added_counts(settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    statuses = [
        Client(REMOTE_ADDR="10.0.0.1")
        .post(
            reverse("account_login"),
            {"login": f"person{number}@example.org", "password": "wrong"},
            headers={"X-Forwarded-For": f"198.51.100.{number}, 203.0.113.9"},
        )
        .status_code
        for number in range(12)
    ]
    assert statuses == [422] * 10 + [429] * 2
