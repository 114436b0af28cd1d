"""Deletion and correction by API: as on the pages, by the same people, with the same refusals."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from accounts.roles import ADMINISTRATOR, CLINICIAN, RADIOLOGIST
from imaging.models import Correction, Deletion, Patient, Study
from tests.accounts.api.calls import bearer, pair_of
from tests.accounts.factories import OrganisationFactory, UserFactory
from tests.imaging.factories import ImageFactory, JobFactory, StudyFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return OrganisationFactory()


@pytest.fixture
def study(house):
    reader = UserFactory(organisation=house, role=RADIOLOGIST)
    return StudyFactory(organisation=house, uploaded_by=reader)


@pytest.fixture
def as_(client, house):
    """Return what calls the API as somebody of this role, new each time."""

    def person(role: str, organisation=None):
        user = UserFactory(organisation=organisation or house, role=role)
        headers = bearer(pair_of(client, user)["access"])

        def call(method, route, status, *, pk=None, **body):
            there = reverse(f"api:{route}", args=[pk] if pk else [])
            sent = json.dumps(body, default=str) if body else ""
            answer = client.generic(method, there, sent, "application/json", headers=headers)
            assert answer.status_code == status, answer.content
            return answer.json() if answer.content else None

        return call

    return person


def test_one_asks_and_another_decides(as_, study):
    reader, administrator = as_(RADIOLOGIST), as_(ADMINISTRATOR)
    asked = reader("POST", "deletion-list", 201, study=study.pk, reason="twice")
    assert (asked["state"], asked["study"]) == ("waiting", str(study.pk))
    assert (
        "already" in reader("POST", "deletion-list", 422, study=study.pk, reason="trial")["detail"]
    )
    reader("POST", "deletion-approve", 403, pk=asked["id"])
    assert [row["id"] for row in administrator("GET", "deletion-list", 200)["results"]] == [
        asked["id"]
    ]
    done = administrator("POST", "deletion-approve", 200, pk=asked["id"])
    assert done["state"] == "approved"
    assert done["keep_until"]
    reader("GET", "study-detail", 404, pk=study.pk)
    administrator("POST", "deletion-approve", 422, pk=asked["id"])
    assert administrator("POST", "deletion-restore", 200, pk=asked["id"])["state"] == "restored"
    assert reader("GET", "study-detail", 200, pk=study.pk)["id"] == str(study.pk)


def test_declined_with_a_reason_and_withdrawn_by_whoever_asked(as_, study):
    reader, administrator = as_(RADIOLOGIST), as_(ADMINISTRATOR)
    first = reader("POST", "deletion-list", 201, study=study.pk, reason="quality")
    administrator("POST", "deletion-decline", 400, pk=first["id"])
    said = administrator("POST", "deletion-decline", 200, pk=first["id"], answer="needed")
    assert (said["state"], said["answer"]) == ("declined", "needed")
    second = reader("POST", "deletion-list", 201, study=study.pk, reason="quality")
    as_(RADIOLOGIST)("POST", "deletion-withdraw", 404, pk=second["id"])
    assert reader("POST", "deletion-withdraw", 200, pk=second["id"])["state"] == "withdrawn"


def test_another_hospital_and_another_role_get_nowhere(as_, study):
    body = {"study": study.pk, "reason": "trial"}
    as_(RADIOLOGIST, OrganisationFactory())("POST", "deletion-list", 404, **body)
    as_(CLINICIAN)("POST", "deletion-list", 403, **body)
    asked = as_(RADIOLOGIST)("POST", "deletion-list", 201, **body)
    foreign = as_(ADMINISTRATOR, OrganisationFactory())
    for what in ("approve", "restore"):
        foreign("POST", f"deletion-{what}", 404, pk=asked["id"])
    foreign("GET", "deletion-detail", 404, pk=asked["id"])
    assert Deletion.objects.get().state == "waiting"


def test_an_identity_is_corrected_after_the_version_that_was_looked_at(as_, study):
    reader, patient = as_(RADIOLOGIST), study.patient
    seen = reader("GET", "patient-detail", 200, pk=patient.pk)["version"]
    body = {"seen": seen, "name": "Lindqvist^Anna", "birth_date": "1980-02-29"}
    told = reader("PATCH", "patient-detail", 200, pk=patient.pk, **body)
    assert (told["name"], told["birth_date"], told["version"]) == (
        "Lindqvist^Anna", "19800229", seen + 1
    )  # fmt: skip
    assert told["record_number"] == patient.record_number
    again = reader("PATCH", "patient-detail", 409, pk=patient.pk, seen=seen, name="Other")
    assert (again["code"], again["latest"]["version"]) == ("overtaken", seen + 1)
    assert Correction.objects.count() == 1
    assert AuditEvent.objects.filter(action="patient.change").count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("birth_date", "2999-01-01"),
        ("birth_date", "x"),
        ("sex", "Q"),
        ("seen", 0),
        ("name", "x" * 200),
    ],
)
def test_what_is_no_identity_is_named(as_, study, field, value):
    body = {"seen": study.patient.version, field: value}
    said = as_(RADIOLOGIST)("PATCH", "patient-detail", 400, pk=study.patient_id, **body)
    assert said["errors"][0]["field"] == field
    assert Patient.objects.get(pk=study.patient_id).version == study.patient.version


def test_a_study_is_corrected_until_it_is_analysed(as_, study):
    reader = as_(RADIOLOGIST)
    image = ImageFactory(study=study)
    told = reader("PATCH", "study-detail", 200, pk=study.pk, title="Chest, second view")
    assert told["title"] == "Chest, second view"
    assert told["modality"] == study.modality
    JobFactory(image=image)
    said = reader("PATCH", "study-detail", 422, pk=study.pk, title="Other")
    assert "analysed already" in said["detail"]
    assert Study.objects.get(pk=study.pk).title == "Chest, second view"
    as_(RADIOLOGIST, OrganisationFactory())("PATCH", "study-detail", 404, pk=study.pk, title="x")
    as_(CLINICIAN)("PATCH", "study-detail", 403, pk=study.pk, title="x")
