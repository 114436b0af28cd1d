"""Roles, offers and departments by API: an administrator may, after a fresh sign-in."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEvent, Department, Invitation, Membership, TokenFamily
from accounts.roles import ADMINISTRATOR, AUDITOR, CLINICIAN, RADIOLOGIST
from tests.accounts.api.calls import bearer, pair_of
from tests.accounts.factories import (
    DepartmentFactory,
    MembershipFactory,
    OrganisationFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return OrganisationFactory()


@pytest.fixture
def head(house):
    return MembershipFactory(organisation=house, role=ADMINISTRATOR).user


@pytest.fixture
def call(client, head):
    headers = bearer(pair_of(client, head)["access"])

    def send(method, route, status, *, pk=None, query=None, **body):
        there = reverse(f"api:{route}", args=[pk] if pk else [])
        if query:
            there += "?" + "&".join(f"{key}={value}" for key, value in query.items())
        sent = json.dumps(body, default=str) if body else ""
        answer = client.generic(method, there, sent, "application/json", headers=headers)
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None

    return send


def test_who_has_which_role_is_listed(call, house, head):
    reader = MembershipFactory(organisation=house, role=RADIOLOGIST)
    MembershipFactory(organisation=house, until=now() - timedelta(days=1))
    MembershipFactory()
    rows = call("GET", "membership-list", 200)["results"]
    assert {row["id"] for row in rows} == {
        str(reader.pk), str(head.memberships.get().pk),
    }  # fmt: skip
    row = call("GET", "membership-detail", 200, pk=reader.pk)
    assert (row["role"], row["user"]["email"]) == (RADIOLOGIST, reader.user.email)
    assert call("GET", "membership-list", 200, query={"organisation": reader.pk})["results"] == []


def test_a_role_gets_an_end_and_is_taken_back(call, house):
    reader = MembershipFactory(organisation=house, role=RADIOLOGIST)
    until = now() + timedelta(days=9)
    row = call("PATCH", "membership-detail", 200, pk=reader.pk, until=until.isoformat())
    assert row["until"].startswith(f"{until:%Y-%m-%d}")
    call("DELETE", "membership-detail", 204, pk=reader.pk)
    assert not Membership.objects.filter(pk=reader.pk).exists()
    assert AuditEvent.objects.filter(action="membership.delete").count() == 1


def test_what_may_not_be_is_said_in_words(call, house, head):
    mine, other = head.memberships.get(), MembershipFactory()
    auditor = MembershipFactory(organisation=house, role=AUDITOR)
    assert "own roles" in call("DELETE", "membership-detail", 422, pk=mine.pk)["detail"]
    call("DELETE", "membership-detail", 422, pk=auditor.pk)
    call("DELETE", "membership-detail", 404, pk=other.pk)
    call("PATCH", "membership-detail", 404, pk=other.pk, until=None)
    assert Membership.objects.filter(pk__in=[mine.pk, auditor.pk, other.pk]).count() == 3


def test_a_role_is_offered_and_withdrawn(call, house, django_capture_on_commit_callbacks):
    chest = DepartmentFactory(organisation=house)
    body = {"organisation": house.pk, "email": "Kim@example.org", "role": CLINICIAN}
    with django_capture_on_commit_callbacks(execute=True):
        made = call("POST", "invitation-list", 201, department=chest.pk, **body)
    assert (made["email"], made["department"]) == ("kim@example.org", str(chest.pk))
    assert mail.outbox[-1].to == ["kim@example.org"]
    assert call("GET", "invitation-detail", 200, pk=made["id"])["role"] == CLINICIAN
    assert len(call("GET", "invitation-list", 200)["results"]) == 1
    call("DELETE", "invitation-detail", 204, pk=made["id"])
    assert not Invitation.objects.exists()
    call("POST", "invitation-list", 422, **body | {"role": AUDITOR})
    call("POST", "invitation-list", 400, **body | {"organisation": OrganisationFactory().pk})
    call("POST", "invitation-list", 400, department=DepartmentFactory().pk, **body)


def test_departments_are_made_and_called_otherwise(call, house):
    made = call("POST", "department-list", 201, organisation=house.pk, name=" Chest  unit ")
    assert made["name"] == "Chest unit"
    again = call("POST", "department-list", 422, organisation=house.pk, name="chest unit")
    assert "already" in again["detail"]
    call("PATCH", "department-detail", 200, pk=made["id"], name="Lung unit")
    assert Department.objects.get(pk=made["id"]).name == "Lung unit"
    call("PATCH", "department-detail", 404, pk=DepartmentFactory().pk, name="Mine")


def test_departments_are_leafed_through_by_name(call, house):
    for name in ("C", "A", "B"):
        DepartmentFactory(organisation=house, name=name)
    first = call("GET", "department-list", 200, query={"limit": 2})
    assert [row["name"] for row in first["results"]] == ["A", "B"]
    cursor = first["next"].split("cursor=")[1].split("&")[0]
    second = call("GET", "department-list", 200, query={"limit": 2, "cursor": cursor})
    assert [row["name"] for row in second["results"]] == ["C"]
    call("GET", "department-list", 400, query={"cursor": "cD0A"})


def test_a_change_takes_a_sign_in_just_made_and_reading_does_not(call, house):
    TokenFamily.objects.update(created_at=now() - timedelta(minutes=6))
    body = {"organisation": house.pk, "name": "Chest"}
    assert call("POST", "department-list", 403, **body)["code"] == "step_up_required"
    call("GET", "department-list", 200)
    assert not Department.objects.exists()


def test_a_reader_is_refused_by_the_name_of_the_role(client, house):
    headers = bearer(pair_of(client, UserFactory(organisation=house))["access"])
    for name in ("membership-list", "invitation-list", "department-list"):
        answer = client.get(reverse(f"api:{name}"), headers=headers)
        assert (answer.status_code, "Administrator" in answer.json()["detail"]) == (403, True)
        assert client.get(reverse(f"api:{name}")).status_code == 401
