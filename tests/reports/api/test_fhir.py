"""FHIR of classes, of boxes, and of a picture that was not analysed: what was signed, in UCUM."""

from __future__ import annotations

import pytest
from django.urls import reverse
from fhir.resources.R4B.bundle import Bundle

from imaging.services.reviews import review_save, review_sign
from tests.accounts.api.calls import bearer, pair_of
from tests.accounts.factories import UserFactory
from tests.imaging.analyses import (
    REFUSAL,
    box_analysis,
    class_analysis,
    refused_analysis,
    result_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(client, queued, tmp_path):
    """Sign a result of these answers and return its resources by kind, each read by a library."""
    reader = UserFactory()

    def read(make, task, **verdict):
        result = result_of(reader, make, task, tmp_path)
        review = review_save(by=reader, result=result, seen=0, **{"decision": "accepted"} | verdict)
        review = review_sign(by=reader, review=review, meaning="authored")
        there = reverse("api:report-fhir", args=[review.pk])
        answer = client.get(there, headers=bearer(pair_of(client, reader)["access"]))
        assert answer.status_code == 200, answer.content
        found: dict[str, list] = {}
        for entry in Bundle.model_validate_json(answer.content).entry:
            found.setdefault(entry.resource.get_resource_type(), []).append(entry.resource)
        return result, found

    return read


def numbers(found) -> list[tuple[str, str, float]]:
    """Code, words and value of each observation; each is a bare number in UCUM."""
    assert {one.valueQuantity.code for one in found["Observation"]} == {"1"}
    assert {one.valueQuantity.system for one in found["Observation"]} == {
        "http://unitsofmeasure.org"
    }
    return [
        (one.code.coding[0].code, one.code.text, float(one.valueQuantity.value))
        for one in found["Observation"]
    ]


def test_each_class_is_an_observation_of_its_probability(told):
    result, found = told(class_analysis, "classification")
    rows = list(result.classes.all())
    assert len(rows) == 2
    assert numbers(found) == [
        (f"class-{one.position}", f"Probability of {one.label}", one.p) for one in rows
    ]
    report = found["DiagnosticReport"][0]
    assert len(report.result) == 2
    assert report.conclusion.startswith("Accepted.")


def test_each_box_is_an_observation_of_its_score(told):
    result, found = told(box_analysis, "detection")
    rows = list(result.boxes.all())
    assert rows
    assert numbers(found) == [
        (f"box-{one.name}", f"Score of box {one.name}, {one.label}", one.score) for one in rows
    ]
    ids = [one.id for one in found["Observation"]]
    assert len(set(ids)) == len(ids)  # two boxes of one label are two


@pytest.mark.parametrize(
    ("make", "task"), [(class_analysis, "classification"), (box_analysis, "detection")]
)
def test_what_was_rejected_leaves_no_probability_and_no_score(told, make, task):
    _result, found = told(make, task, decision="rejected", reason="picture")
    assert "Observation" not in found
    assert found["DiagnosticReport"][0].conclusion.startswith("Rejected")


def test_what_was_not_analysed_leaves_no_number(told):
    _result, found = told(refused_analysis, "segmentation", decision="rejected", reason="picture")
    assert "Observation" not in found
    assert REFUSAL not in found["DiagnosticReport"][0].conclusion
