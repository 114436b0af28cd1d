"""The description of the API is complete: no warning, and every way to show who one is."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command
from openapi_spec_validator import OpenAPIV31SpecValidator


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


def test_a_list_is_described_as_a_page_and_not_as_a_list_of_pages(described):
    answer = described["paths"]["/api/v1/memberships/"]["get"]["responses"]["200"]
    (schema,) = (one["schema"] for one in answer["content"].values())
    page = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    assert page["type"] == "object"
    assert set(page["required"]) == {"next", "previous", "results"}


def test_each_operation_says_what_it_answers_when_it_cannot(described):
    for path, methods in described["paths"].items():
        for method, told in methods.items():
            said = set(told["responses"])
            assert {"400", "401", "403", "429", "503"} <= said, (method, path)
            if "{" in path:
                assert "404" in said, (method, path)
            if method != "get" and path.startswith("/api/v1/") and "/token/" not in path:
                assert {"409", "413", "415", "422", "507"} <= said, (method, path)


def test_it_is_openapi_down_to_each_default(described):
    assert [error.message for error in OpenAPIV31SpecValidator(described).iter_errors()] == []
