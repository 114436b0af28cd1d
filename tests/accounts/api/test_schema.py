"""The description of the API is complete: no warning, and every way to show who one is."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import OpenAPIV31SpecValidator

from mediscan.examples import FILE


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


def answers_of(described):
    """Yield (where, content) of each 2xx answer that is JSON."""
    for path, methods in described["paths"].items():
        for method, told in methods.items():
            for status, answer in told["responses"].items():
                for kind, content in answer.get("content", {}).items():
                    if status.startswith("2") and kind.endswith("json"):
                        yield f"{method} {path} {status}", content


def test_each_answer_has_an_example_that_fits_its_own_schema(described):
    whole = {"components": described["components"]}
    shown = 0
    for where, content in answers_of(described):
        if where == "get /api/v1/schema/ 200":  # it would be this description in itself
            continue
        assert content.get("examples"), where
        validator = OAS31Validator(whole | content["schema"], format_checker=oas31_format_checker)
        for example in content["examples"].values():
            wrong = [f"{where}: {one.json_path} {one.message}"
                     for one in validator.iter_errors(example["value"])]  # fmt: skip
            assert wrong == []
            shown += 1
    assert shown > 80


def test_an_example_leaves_out_nothing_and_adds_nothing(described):
    """Each body of the file is one of the description, with exactly its properties."""
    bodies = described["components"]["schemas"]
    known = json.loads(FILE.read_text(encoding="utf-8"))
    listed = {name.removesuffix("Page") + "Body" for name in bodies if name.endswith("Page")}
    for name, example in known.items():
        assert name in bodies or name in listed, name
        if properties := bodies.get(name, {}).get("properties"):
            assert example.keys() == properties.keys(), name


def test_an_example_holds_no_secret_and_nobody(described):
    known = json.loads(FILE.read_text(encoding="utf-8"))
    secrets = [known["TokenPair"]["access"], known["TokenPair"]["refresh"],
               known["KeySecretBody"]["key"], known["WebhookSecretBody"]["secret"],
               known["SetupOffer"]["secret"],
               *known["RecoveryCodes"]["recovery_codes"]]  # fmt: skip
    assert all(one.endswith("…") for one in secrets)
    whose = known["PatientBody"]
    assert [whose[name] for name in ("name", "record_number", "birth_date", "sex")] == [""] * 4
    people = set(_named(known, "email", "name", "signed_by_name", "author_name"))
    assert people <= {"kim@example.org", "Kim Example", "Example Hospital", "Chest", "Free",
                      "Chest X-rays of the emergency room", "xray-lungs", "xray-lungs-unet",
                      "chest.png", "ct.nii.gz", "Lung fields", "area_percent", "",
                      None}  # fmt: skip


def _named(value, *names):
    if isinstance(value, list):
        for one in value:
            yield from _named(one, *names)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name in names and not isinstance(one, (dict, list)):
                yield one
            yield from _named(one, *names)
