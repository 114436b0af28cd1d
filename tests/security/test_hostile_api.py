"""S57, in small: each operation of the API, each of its names, with what nobody should send.

What there is to ask comes from the description that the API gives of itself; an answer that is a
fault of ours, or of a status that is not described, fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.core.cache import cache as counts
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from mediscan.docs import described
from tests.accounts.factories import UserFactory, verify
from tests.imaging.factories import ModelVersionFactory, ResultFactory, ReviewFactory, UploadFactory
from tests.reports.factories import ExportFactory

pytestmark = pytest.mark.django_db
DIGITS = "9" * 5_000
TEXTS = ("", "\0", "-1", "0", "1e400", "nan", DIGITS, str(2**63), "x" * 3_000, "\u0660", "[]",
         "0001-01-01T00:00", "9999-12-31T23:59+14:00", "g" * 32)  # fmt: skip
THINGS = (None, True, -1, 0, 2**63, 10**400, 1e308, "", "\0", "nan", DIGITS, "x" * 3_000, [], {},
          [[]], [None], {"a": {}}, "\ud800", ["\0"])  # fmt: skip


@pytest.fixture
def world(queued, monkeypatch):
    """A reader who is signed in, and an id for each noun."""
    monkeypatch.setattr("imaging.services.members.manifest_problem", lambda model: "")
    user = UserFactory()
    ModelVersionFactory(name="lungs")
    result = ResultFactory(user=user)
    image = result.image
    ids = {
        "studies": image.study_id, "series": image.series_id, "images": image.pk,
        "uploads": UploadFactory(user=user, finished=True).pk, "runs": result.job.run_id,
        "jobs": result.job_id, "results": result.pk,
        "reviews": ReviewFactory(result=result).pk,
        "exports": ExportFactory(results=[result], user=user).pk,
    }  # fmt: skip
    client = verify(Client(raise_request_exception=False), user)
    return client, {noun: str(pk) for noun, pk in ids.items()}


def operations() -> Iterator[tuple[str, str, dict]]:
    for path, methods in described()["paths"].items():
        for method, told in methods.items():
            yield path, method, told


def address(path: str, ids: dict[str, str]) -> str:
    noun = path.split("/")[3] if path.startswith("/api/v1/") else ""
    filled = re.sub(r"\{(pk|id)\}", ids.get(noun, ids["results"]), path)
    return filled.replace("{name}", "ensemble")


def schema_of(told: dict, kind: str) -> dict:
    """Return the properties of the body of that kind; none without such a body."""
    content = told.get("requestBody", {}).get("content", {}).get(kind)
    if content is None:
        return {}
    name = content["schema"]["$ref"].rpartition("/")[2]
    return described()["components"]["schemas"][name]["properties"]


def ask(client: Client, told: dict, method: str, there: str, wrong: list, **sent: Any) -> None:
    atomic = transaction.atomic()
    atomic._from_testcase = True  # what is durable may stand in it, as in a test's own
    with atomic:
        answer = client.generic(method.upper(), there, **sent)
        transaction.set_rollback(True)
    counts.clear()
    is_told = str(answer.status_code) in told["responses"]
    if answer.status_code >= 500 or not (is_told or answer.status_code == 304):
        wrong.append(f"{method} {there[:120]} {str(sent)[:120]}: {answer.status_code}")
    if answer.status_code >= 400 and answer["Content-Type"] != "application/problem+json":
        wrong.append(f"{method} {there[:120]}: no problem but {answer['Content-Type']}")


def test_no_value_behind_the_question_mark_is_a_fault_or_undescribed(world):
    client, ids = world
    wrong, asked = [], 0
    for path, method, told in operations():
        names = [one["name"] for one in told.get("parameters", []) if one["in"] == "query"]
        for name in (*names, "unknown"):
            for value in TEXTS:
                query = quote(value.encode("utf-8", "surrogatepass"), safe="")
                there = f"{address(path, ids)}?{name}={query}"
                ask(client, told, method, there, wrong, data=b"{}", content_type="application/json")
                asked += 1
    assert wrong == []
    assert asked > 700


def test_no_field_of_a_body_is_a_fault_or_undescribed(world):
    client, ids = world
    wrong, asked = [], 0
    good = {"images": [ids["images"]], "members": [{"model": "lungs"}], "result": ids["results"],
            "seen": 1, "decision": "accepted", "kind": "pdf", "results": [ids["results"]],
            "email": "a@example.org", "password": "x" * 20}  # fmt: skip
    for path, method, told in operations():
        fields = schema_of(told, "application/json")
        for name in fields:
            for value in THINGS:
                body = {key: good[key] for key in fields if key in good} | {name: value}
                ask(
                    client, told, method, address(path, ids), wrong,
                    data=json.dumps(body).encode(), content_type="application/json",
                )  # fmt: skip
                asked += 1
    assert wrong == []
    assert asked > 400


def test_no_field_of_a_form_is_a_fault_or_undescribed(world):
    client, ids = world
    wrong, asked = [], 0
    for path, method, told in operations():
        fields = schema_of(told, "multipart/form-data")
        for name in fields:
            for value in TEXTS[:-1]:
                form = {"model_name": "lungs"} if "model_name" in fields else {"modality": "xray"}
                form |= {"file": SimpleUploadedFile("a.png", b"\x89PNG")} | {name: value}
                ask(
                    client, told, method, address(path, ids), wrong,
                    data=encode_multipart(BOUNDARY, form), content_type=MULTIPART_CONTENT,
                )  # fmt: skip
                asked += 1
    assert wrong == []
    assert asked > 300
