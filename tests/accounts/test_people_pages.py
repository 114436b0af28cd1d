"""The people page: an administrator's own organisation, an auditor's to read, nobody else's."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import AuditEvent, Invitation, Membership
from accounts.roles import ADMINISTRATOR, AUDITOR, CLINICIAN, RADIOLOGIST
from tests.accounts.factories import (
    DepartmentFactory,
    MembershipFactory,
    OrganisationFactory,
    StrangerFactory,
    UserFactory,
    verify,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return OrganisationFactory()


@pytest.fixture
def administrator(client, house):
    user = UserFactory(organisation=house, role=ADMINISTRATOR)
    verify(client, user)
    return user


def address(name: str, row) -> str:
    return reverse(f"people:{name}", args=[row.pk])


def test_the_page_lists_its_people_and_no_others(client, house, administrator):
    colleague, stranger = UserFactory(organisation=house), UserFactory()
    text = client.get(reverse("people:first")).content.decode()
    assert colleague.email in text
    assert stranger.email not in text


def test_an_invitation_from_the_page(client, house, administrator):
    form = {"email": "new@example.org", "role": CLINICIAN}
    answer = client.post(address("invite", house), form)
    assert answer.status_code == 302
    assert "new@example.org" in client.get(answer.url).content.decode()
    refused = client.post(address("invite", house), form | {"role": AUDITOR})
    assert refused.status_code == 422
    withdraw = address("invitation-withdraw", Invitation.objects.get())
    assert client.post(withdraw).status_code == 302
    assert not Invitation.objects.exists()


def test_a_role_is_limited_and_ended_from_the_page(client, house, administrator):
    membership = MembershipFactory(organisation=house)
    client.post(address("membership-change", membership), {"until": "2090-01-01"})
    membership.refresh_from_db()
    assert membership.until.year == 2090
    client.post(address("membership-change", membership), {"until": "1990-01-01"})
    membership.refresh_from_db()
    assert membership.until.year == 2090
    client.post(address("membership-end", membership))
    assert not Membership.objects.filter(pk=membership.pk).exists()


def test_a_department_from_the_page(client, house, administrator):
    client.post(address("department-create", house), {"name": "Chest"})
    assert house.departments.get().name == "Chest"
    assert client.post(address("department-create", house), {"name": "Chest"}).status_code == 422


@pytest.mark.parametrize("name", ["list", "invite", "department-create"])
def test_another_organisation_is_not_found(client, administrator, name):
    there = address(name, OrganisationFactory())
    answer = client.get(there) if name == "list" else client.post(there, {"name": "x"})
    assert answer.status_code == 404


@pytest.mark.parametrize("name", ["membership-change", "membership-end"])
def test_anothers_membership_is_not_found(client, administrator, name):
    other = MembershipFactory()
    assert client.post(address(name, other)).status_code == 404
    assert Membership.objects.filter(pk=other.pk).exists()


def test_an_auditor_reads_and_changes_nothing(client, house):
    verify(client, UserFactory(organisation=house, role=AUDITOR))
    page = client.get(reverse("people:first"))
    assert page.status_code == 200
    assert address("invite", house) not in page.content.decode()
    refused = client.post(address("invite", house), {"email": "a@example.org", "role": CLINICIAN})
    assert refused.status_code == 403


def test_a_radiologist_is_told_which_role_it_needs(client, house):
    verify(client, UserFactory(organisation=house, role=RADIOLOGIST))
    page = client.get(reverse("people:first"))
    assert page.status_code == 403
    assert "Administrator or Auditor" in page.content.decode()


def test_an_old_proof_is_asked_again_before_a_role_is_given(client, house):
    client.force_login(UserFactory(organisation=house, role=ADMINISTRATOR))
    answer = client.post(address("invite", house), {"email": "a@example.org", "role": CLINICIAN})
    assert answer.status_code == 302
    assert "reauthenticate" in answer.url
    assert not Invitation.objects.exists()


def test_the_invited_see_their_invitation_and_join(client, house, administrator):
    person = StrangerFactory()
    client.post(address("invite", house), {"email": person.email, "role": CLINICIAN})
    client.force_login(person)
    page = client.get(reverse("people:invitations")).content.decode()
    assert house.name in page
    accept = address("invitation-accept", Invitation.objects.get())
    assert client.post(accept).status_code == 302
    assert person.memberships.get().organisation == house
    client.force_login(StrangerFactory())
    assert client.post(accept).status_code == 404


def test_a_department_is_renamed(client, house, administrator):
    department = DepartmentFactory(organisation=house, name="Xray")
    DepartmentFactory(organisation=house, name="Head")
    assert f'value="{department.name}"' in client.get(address("list", house)).content.decode()
    client.post(address("department-rename", department), {"name": "  X-ray   and CT "})
    department.refresh_from_db()
    assert department.name == "X-ray and CT"
    event = AuditEvent.objects.get(action="department.change")
    assert (event.actor, event.organisation) == (administrator, house)
    for taken_or_empty in ("head", " "):
        answer = client.post(address("department-rename", department), {"name": taken_or_empty})
        assert answer.status_code == 302
    client.post(address("department-rename", department), {"name": department.name})
    department.refresh_from_db()
    assert department.name == "X-ray and CT"
    assert AuditEvent.objects.filter(action="department.change").count() == 1


def test_a_department_of_another_house_is_not_found(client, house, administrator):
    foreign = DepartmentFactory()
    answer = client.post(address("department-rename", foreign), {"name": "Mine"})
    assert answer.status_code == 404
