"""Patients by API: whoever may see one reads the identity; a search names nobody."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from accounts.roles import CLINICIAN, INTEGRATOR
from accounts.vault.fields import blind_index
from tests.accounts.api.calls import bearer, pair_of
from tests.accounts.factories import MembershipFactory, OrganisationFactory, UserFactory
from tests.imaging.factories import PatientFactory, StudyFactory

pytestmark = pytest.mark.django_db
FIND = "api:patient-search"


@pytest.fixture
def house():
    return OrganisationFactory()


@pytest.fixture
def patient(house):
    index = blind_index(house, "record_number", "MRN-77")
    patient = PatientFactory(
        organisation=house, name="Rosenstein^Eva", record_number="MRN-77", mrn_index=index
    )
    StudyFactory(patient=patient, organisation=house)
    return patient


def ask(client, user):
    return bearer(pair_of(client, user)["access"])


def test_a_reader_sees_who_it_is_and_the_trail_says_so(client, house, patient):
    headers = ask(client, UserFactory(organisation=house))
    answer = client.get(reverse("api:patient-detail", args=[patient.pk]), headers=headers)
    body = answer.json()
    assert (answer.status_code, body["name"]) == (200, "Rosenstein^Eva")
    assert body["record_number"] == "MRN-77"
    assert AuditEvent.objects.get(action="patient.view").patient == patient.pk


def test_a_stranger_finds_nothing_and_the_anonymous_are_refused(client, patient):
    there = reverse("api:patient-detail", args=[patient.pk])
    assert client.get(there, headers=ask(client, UserFactory())).status_code == 404
    assert client.get(there).status_code == 401
    found = client.post(
        reverse(FIND), {"record_number": "MRN-77"}, "application/json",
        headers=ask(client, UserFactory()),
    )  # fmt: skip
    assert found.json() == {"found": []}


def test_a_search_says_that_there_is_one_and_no_more(client, house, patient):
    clinician = MembershipFactory(organisation=house, role=CLINICIAN).user
    headers = ask(client, clinician)
    for number, found in (("MRN-77", [patient.pk]), ("MRN-7", [])):
        answer = client.post(
            reverse(FIND), {"record_number": number}, "application/json", headers=headers
        )
        assert [row["id"] for row in answer.json()["found"]] == [str(pk) for pk in found]
        assert b"Rosenstein" not in answer.content
    (row, *_none) = client.post(
        reverse(FIND), {"record_number": "MRN-77"}, "application/json", headers=headers
    ).json()["found"]
    assert row["is_open"] is False  # nobody assigned the patient to this clinician
    assert AuditEvent.objects.filter(action="record.search").count() == 3


def test_a_number_in_the_address_is_no_search(client, house, patient):
    headers = ask(client, UserFactory(organisation=house))
    assert client.get(reverse(FIND) + "?record_number=MRN-77", headers=headers).status_code == 400
    machine = MembershipFactory(organisation=house, role=INTEGRATOR).user
    refused = client.post(
        reverse(FIND), {"record_number": "MRN-77"}, "application/json",
        headers=ask(client, machine),
    )  # fmt: skip
    assert refused.status_code == 403
