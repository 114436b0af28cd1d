"""Signed reports by API: each version, which one counts, and the PDF of exactly that one."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.urls import reverse
from fhir.resources.R4B.bundle import Bundle

from accounts.models import AuditEvent
from imaging.services.reviews import review_save, review_sign
from reports.models import ExportItem
from tests.accounts.api.calls import bearer, pair_of
from tests.accounts.api.keys import a_key, by_key
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
    for method, route in (("get", "report-detail"), ("get", "report-fhir"), ("post", "report-pdf")):
        there = reverse(f"api:{route}", args=[first.pk])
        assert getattr(client, method)(there, headers=stranger).status_code == 404
        assert getattr(client, method)(there).status_code == 401


def test_its_fhir_bundle_is_valid_and_says_what_was_signed(client, headers, signed):
    first, second = signed
    answer = client.get(reverse("api:report-fhir", args=[second.pk]), headers=headers)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/fhir+json")
    read = Bundle.model_validate_json(answer.content)
    by_kind = {}
    for entry in read.entry:
        kind = entry.resource.get_resource_type()
        by_kind.setdefault(kind, []).append(entry.resource)
        assert entry.fullUrl == f"urn:uuid:{entry.resource.id}"
    report = by_kind["DiagnosticReport"][0]
    assert (report.status, report.id) == ("appended", str(second.pk))
    assert settings.RESEARCH_NOTICE in report.conclusion
    assert "The left side was meant." in report.conclusion
    area = next(one for one in by_kind["Observation"] if one.code.coding[0].code == "area_percent")
    row = second.result.operating
    assert (float(area.valueQuantity.value), area.valueQuantity.code) == (row["area_percent"], "%")
    assert area.component[0].valueString == row["denominator"]
    known = {f"urn:uuid:{entry.resource.id}" for entry in read.entry}
    told = {one.reference for one in [report.subject, *report.result, *report.imagingStudy]}
    assert told <= known
    versions = {one.version[0].value for one in by_kind["Device"] if one.version}
    assert versions == {
        one.member.model_version.version for one in second.result.members.all()
    }  # fmt: skip
    earlier = client.get(reverse("api:report-fhir", args=[first.pk]), headers=headers).json()
    assert earlier["entry"][0]["resource"]["status"] == "final"
    assert AuditEvent.objects.filter(action="export.download", reason="fhir").count() == 2


def test_a_rejected_result_leaves_no_number(client, headers, reader, queued):
    result = sealed(ResultFactory(user=reader))
    review = review_save(by=reader, result=result, seen=0, decision="rejected", reason="picture")
    review = review_sign(by=reader, review=review, meaning="authored")
    there = reverse("api:report-fhir", args=[review.pk])
    entries = client.get(there, headers=headers).json()["entry"]
    assert "Observation" not in [one["resource"]["resourceType"] for one in entries]
    assert "Rejected" in entries[0]["resource"]["conclusion"]


@pytest.mark.parametrize(("scope", "status"), [("export.read_signed", 200), ("run.view", 403)])
def test_a_machine_reads_the_signed_reports_of_its_own_runs(client, reader, queued, scope, status):
    house = reader.memberships.get().organisation
    key, text = a_key(house, scopes=[scope])
    own = sealed(ResultFactory(user=key.account.user))
    signed_own, signed_other = (
        review_sign(
            by=reader,
            review=review_save(by=reader, result=one, seen=0, decision="accepted"),
            meaning="authored",
        )
        for one in (own, sealed(ResultFactory(user=reader)))
    )
    there = reverse("api:report-fhir", args=[signed_own.pk])
    assert client.get(there, headers=by_key(text)).status_code == status
    theirs = reverse("api:report-fhir", args=[signed_other.pk])
    assert client.get(theirs, headers=by_key(text)).status_code == (404 if status == 200 else 403)
