"""The API describes itself, completely and offline, to whoever is signed in."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from mediscan.docs import described
from mediscan.routes import routes
from tests.accounts.api.calls import bearer, pair_of
from tests.accounts.factories import UserFactory

pytestmark = pytest.mark.django_db
CHANGING = ("post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def operations() -> dict[tuple[str, str], dict]:
    """Every (path, method) with what is said of it."""
    return {
        (path, method): told
        for path, methods in described()["paths"].items()
        for method, told in methods.items()
        if method in ("get", *CHANGING)
    }


def test_each_address_of_the_api_is_described(operations):
    told = {re.sub(r"\{(\w+)\}", "<>", path) for path, _method in operations}
    for route in routes():
        if route.name.startswith(("api:", "plain:")):
            assert re.sub(r"<[^>]+>", "<>", f"/{route.pattern}") in told, route.name


def test_each_operation_says_what_it_does_and_how_it_refuses(operations):
    for where, told in operations.items():
        assert told["description"], where
        statuses = set(told["responses"])
        assert any(status.startswith("2") for status in statuses), where
        assert {"400", "401", "403", "429"} <= statuses, where
        if "{pk}" in where[0] or "{id}" in where[0]:
            assert "404" in statuses, where
        for status in statuses - {"200", "201", "202", "204"}:
            assert list(told["responses"][status]["content"]) == ["application/problem+json"]


def test_it_is_openapi_3_1_and_every_parameter_is_typed(operations):
    assert described()["openapi"] == "3.1.0"
    for where, told in operations.items():
        for parameter in told.get("parameters", []):
            assert parameter["schema"].get("type") or "$ref" in str(parameter["schema"]), where


def test_each_body_and_each_refusal_has_an_example(operations):
    for where, told in operations.items():
        sent = told.get("requestBody", {}).get("content", {})
        if "application/json" in sent:
            assert sent["application/json"]["examples"], where
        for status, answer in told["responses"].items():
            problem = answer.get("content", {}).get("application/problem+json")
            assert problem is None or problem["examples"], (where, status)


def test_programs_and_pages_get_it_and_the_anonymous_do_not(client):
    there = reverse("api:schema")
    assert client.get(there).status_code == 401
    headers = bearer(pair_of(client, UserFactory())["access"])
    answer = client.get(there, headers=headers)
    assert answer["Content-Type"].startswith("application/vnd.oai.openapi+json")
    assert answer.json()["info"]["title"] == "MediScan"
    again = client.get(there, headers=headers | {"If-None-Match": answer["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("name", ["docs", "redoc"])
def test_the_pages_load_nothing_from_elsewhere(client, name):
    assert client.get(reverse(name)).status_code == 302
    client.force_login(UserFactory())
    answer = client.get(reverse(name))
    text = answer.content.decode()
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', text)
    assert reverse("api:schema") in text
    assert "unsafe" not in answer["Content-Security-Policy"]


def test_a_style_nonce_stands_on_redoc_alone(client):
    client.force_login(UserFactory())
    policies = {
        name: client.get(reverse(name))["Content-Security-Policy"]
        for name in ("docs", "redoc", "analytics:dashboard")
    }
    assert [name for name, policy in policies.items() if "nonce" in policy] == ["redoc"]
    assert [name for name, policy in policies.items() if "data:" in policy] == ["docs", "redoc"]
    first, second = (
        re.search(r"style-src 'self' 'nonce-([^']+)'", client.get(reverse("redoc")).headers[
            "Content-Security-Policy"
        ])[1]
        for _ in range(2)
    )  # fmt: skip
    assert first != second


def test_every_page_of_the_signed_in_leads_to_it(client):
    there = f'href="{reverse("docs")}"'
    assert there not in client.get(reverse("help")).content.decode()
    client.force_login(UserFactory())
    assert there in client.get(reverse("help")).content.decode()
