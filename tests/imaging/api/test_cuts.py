"""A result at another threshold by API: its numbers, and the picture as the page draws it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from imaging.models import Measurement
from tests.accounts.api.calls import bearer, pair_of
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ResultFactory, operating_row

pytestmark = pytest.mark.django_db


@pytest.fixture
def result():
    lower = operating_row(t=0.45, level=115, area_px=300)
    result = ResultFactory(user=UserFactory(), table=[lower, operating_row()])
    for name, unit in (("area_px", "px"), ("area_mm2", "mm2")):
        value, reasons = operating_row()[name], operating_row()["reasons"]
        Measurement.objects.create(
            organisation=result.organisation, result=result, name=name, value=value, unit=unit,
            reason=reasons.get(name, ""), threshold=0.5, rule="area v1",
        )  # fmt: skip
    return result


@pytest.fixture
def get(client, result):
    headers = bearer(pair_of(client, result.job.run.requested_by)["access"])

    def ask(part: str, query: str = "", *, status: int = 200):
        there = reverse(f"api:result-{part}", args=[result.pk]) + query
        answer = client.get(there, headers=headers)
        assert answer.status_code == status, answer.getvalue()
        return answer

    return ask


def test_the_numbers_of_another_threshold_come_from_the_results_own_table(get, result):
    stored = {row["name"]: row for row in get("measurements").json()}
    other = next(row for row in result.table if row["t"] != result.threshold)
    moved = {row["name"]: row for row in get("measurements", f"?t={other['t']}").json()}
    assert moved.keys() == stored.keys() == {"area_px", "area_mm2"}
    assert (moved["area_px"]["value"], stored["area_px"]["value"]) == (300, 200)
    assert "pixel spacing" in moved["area_mm2"]["reason"]
    for name, row in moved.items():
        assert (row["value"], row["threshold"]) == (other[name], other["t"])
        same = ("unit", "denominator", "rule", "scope")
        assert [row[field] for field in same] == [stored[name][field] for field in same]


def test_a_threshold_that_was_not_measured_is_named_with_those_that_were(get):
    said = get("measurements", "?t=0.123", status=422).json()
    assert said["code"] == "no_threshold"
    assert "0.5" in said["detail"]
    get("measurements", "?t=nan", status=400)
    get("measurements", "?t=2", status=400)


@pytest.mark.parametrize("layer", ["outline", "mask", "heat", "original"])
def test_each_layer_is_a_png(get, layer):
    answer = get("overlay", f"?layer={layer}")
    assert answer["Content-Type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?layer=gold", 400, "invalid"), ("?slice=0", 400, "invalid"),
        ("?slice=9999", 422, "no_slice"), ("?plane=oblique", 422, "no_plane"),
        ("?t=0.123", 422, "no_threshold"), ("?map=nothing", 422, "no_map"),
    ],
)  # fmt: skip
def test_what_there_is_not_is_said(get, query, status, code):
    assert get("overlay", query, status=status).json()["code"] == code


def test_a_stranger_finds_nothing(client, result):
    headers = bearer(pair_of(client, UserFactory())["access"])
    for part in ("overlay", "measurements"):
        there = reverse(f"api:result-{part}", args=[result.pk])
        assert client.get(there, headers=headers).status_code == 404
        assert client.get(there).status_code == 401
