"""Signed reports by API: each version, which one counts, and the PDF of exactly that one."""

from __future__ import annotations

import pytest
from django.urls import reverse

from imaging.services.reviews import review_save, review_sign
from reports.models import ExportItem
from tests.accounts.api.calls import bearer, pair_of
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ResultFactory, sealed

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader():
    return UserFactory()


@pytest.fixture
def signed(reader, queued):
    """Two signed versions of one result, and one that nobody has signed."""
    result = sealed(ResultFactory(user=reader))
    first = review_save(by=reader, result=result, seen=0, decision="accepted")
    first = review_sign(by=reader, review=first, meaning="authored")
    why = "The left side was meant."
    second = review_save(by=reader, result=result, seen=1, decision="accepted", amendment=why)
    second = review_sign(by=reader, review=second, meaning="reviewed")
    review_save(by=reader, result=result, seen=2, decision="accepted", amendment=why)
    return first, second


@pytest.fixture
def headers(client, reader):
    return bearer(pair_of(client, reader)["access"])


def test_what_was_signed_is_listed_with_what_counts_instead(client, headers, signed):
    first, second = signed
    there = reverse("api:report-list")
    rows = client.get(there, headers=headers).json()["results"]
    assert [(row["number"], row["superseded_by"]) for row in rows] == [
        (2, None), (1, str(second.pk)),
    ]  # fmt: skip
    one = client.get(reverse("api:report-detail", args=[first.pk]), headers=headers).json()
    assert (one["sha256"], one["meaning"]) == (first.digest, "authored")
    for query in (f"?result={first.result_id}", f"?study={first.result.image.study_id}"):
        assert len(client.get(there + query, headers=headers).json()["results"]) == 2
    assert client.get(f"{there}?study={first.pk}", headers=headers).json()["results"] == []


def test_its_pdf_is_of_exactly_that_version(client, headers, signed):
    first, _second = signed
    answer = client.post(reverse("api:report-pdf", args=[first.pk]), headers=headers)
    assert answer.status_code == 202, answer.content
    assert answer["Location"] == reverse("api:export-detail", args=[answer.json()["id"]])
    assert ExportItem.objects.get().version == 1


def test_a_stranger_finds_nothing_and_nobody_is_sent_away(client, signed):
    first, _second = signed
    stranger = bearer(pair_of(client, UserFactory())["access"])
    assert client.get(reverse("api:report-list"), headers=stranger).json()["results"] == []
    for method, route in (("get", "report-detail"), ("post", "report-pdf")):
        there = reverse(f"api:{route}", args=[first.pk])
        assert getattr(client, method)(there, headers=stranger).status_code == 404
        assert getattr(client, method)(there).status_code == 401
