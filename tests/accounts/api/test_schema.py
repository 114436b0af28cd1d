"""The description of the API is complete: no warning, and every way to show who one is."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command


@pytest.fixture(scope="module")
def described(tmp_path_factory) -> dict:
    path = tmp_path_factory.mktemp("schema") / "openapi.json"
    call_command(
        "spectacular", "--fail-on-warn", "--validate", "--format", "openapi-json",
        "--file", str(path),
    )  # fmt: skip
    return json.loads(path.read_text())


def test_every_address_is_described_without_a_warning(described):
    assert {"/api/v1/token/", "/api/v1/token/refresh/", "/api/v1/me/"} <= described["paths"].keys()
    assert "Research use only" in described["info"]["description"]


def test_the_ways_to_show_who_one_is(described):
    assert {"token", "apiKey", "session"} == described["components"]["securitySchemes"].keys()
    assert "security" not in described["paths"]["/api/v1/token/"]["post"] or (
        described["paths"]["/api/v1/token/"]["post"]["security"] in ([], [{}])
    )


def test_a_password_is_never_part_of_an_answer(described):
    answers = described["components"]["schemas"]["TokenPair"]["properties"]
    assert "password" not in answers


def test_refusals_are_described_as_problems(described):
    operation = described["paths"]["/api/v1/token/"]["post"]["responses"]
    for status in ("400", "401", "403", "429"):
        assert "application/problem+json" in operation[status]["content"]
