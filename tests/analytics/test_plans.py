"""The page of the plans: what is used, what there is, and asking for another."""

from __future__ import annotations

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from accounts import roles
from accounts.models import AuditEvent, Notice, PlanRequest
from accounts.services.plan_requests import plan_request_decide
from tests.accounts.factories import (
    OrganisationFactory,
    PlanFactory,
    StrangerFactory,
    UserFactory,
)
from tests.imaging.factories import RunFactory

pytestmark = pytest.mark.django_db
URL = "/plans/"


@pytest.fixture
def clinic():
    return PlanFactory(name="Clinic", runs_per_month=500, storage_bytes=None, members=40)


@pytest.fixture
def house():
    free = PlanFactory(name="Small", runs_per_month=2, storage_bytes=10_000, members=3)
    return OrganisationFactory(plan=free)


@pytest.fixture
def administrator(house):
    return UserFactory(organisation=house, role=roles.ADMINISTRATOR)


@pytest.fixture
def operator():
    user = StrangerFactory()
    user.is_staff = user.is_superuser = True
    user.save()
    return user


def page_of(client, user, address=URL) -> str:
    client.force_login(user)
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def ask(client, house, plan, words="We grow."):
    there = reverse("analytics:plan-ask", args=[house.pk])
    return client.post(there, {"plan": plan.pk, "words": words})


def test_a_member_sees_the_plan_its_use_and_the_others_but_may_not_ask(client, house, clinic):
    reader = UserFactory(organisation=house)
    RunFactory(requested_by=reader, organisation=house)
    page = page_of(client, reader)
    assert "1 of 2" in page
    assert "Clinic" in page
    assert "Your plan" in page
    assert "Request change" not in page
    assert "An administrator of your organisation asks for another plan." in page
    assert ask(client, house, clinic).status_code == 403


def test_what_is_used_up_is_said_with_what_goes_on(client, house):
    reader = UserFactory(organisation=house)
    for _ in range(2):
        RunFactory(requested_by=reader, organisation=house)
    page = page_of(client, reader)
    assert "New runs are refused until" in page
    assert "nothing is deleted" in page


def test_the_page_speaks_of_ones_own_organisations_alone(client, house):
    other = UserFactory(organisation=OrganisationFactory())
    client.force_login(other)
    for strange in (house.pk, "nonsense"):
        assert client.get(URL, {"organisation": strange}).status_code == 404
    assert (
        client.get(URL, {"organisation": other.memberships.get().organisation_id}).status_code
        == 200
    )


def test_the_anonymous_are_sent_away_and_who_has_no_organisation_is_told(client):
    assert client.get(URL).headers["Location"].startswith(reverse("account_login"))
    assert "You belong to no organisation" in page_of(client, StrangerFactory())


def test_the_number_of_queries_does_not_grow(client, house, django_assert_max_num_queries):
    for number in range(12):
        PlanFactory(name=f"Plan {number}")
        RunFactory(requested_by=UserFactory(), organisation=house)
    reader = UserFactory(organisation=house)
    client.force_login(reader)
    client.get(URL)
    with django_assert_max_num_queries(20):
        client.get(URL)


def test_asked_granted_and_in_force(client, house, administrator, operator, clinic):
    client.force_login(administrator)
    assert ask(client, house, clinic).status_code == 302
    asked = PlanRequest.objects.get()
    assert (asked.plan, asked.words, asked.is_open) == (clinic, "We grow.", True)
    assert Notice.objects.get(to=operator).kind == "plan_asked"
    page = client.get(URL).content.decode()
    assert "Asked for" in page
    assert "Withdraw" in page
    assert "Request change" not in page
    again = ask(client, house, clinic)
    assert again.status_code == 422
    assert "waits already" in again.content.decode()
    assert PlanRequest.objects.count() == 1
    plan_request_decide(by=operator, request=asked, grant=True)
    house.refresh_from_db()
    assert house.plan == clinic
    assert Notice.objects.get(to=administrator).kind == "plan_granted"
    acts = AuditEvent.objects.filter(action__startswith="plan.").values_list("action", flat=True)
    assert list(acts.order_by("at", "id")) == ["plan.ask", "plan.grant"]
    assert mail.outbox == []


def test_declined_with_words_and_asked_anew(client, house, administrator, operator, clinic):
    client.force_login(administrator)
    ask(client, house, clinic)
    asked = PlanRequest.objects.get()
    plan_request_decide(by=operator, request=asked, grant=False, answer="Next year.")
    house.refresh_from_db()
    assert house.plan.name == "Small"
    page = client.get(URL).content.decode()
    assert "Next year." in page
    assert ask(client, house, clinic).status_code == 302


def test_withdrawn_by_an_administrator_of_the_house_alone(client, house, administrator, clinic):
    client.force_login(administrator)
    ask(client, house, clinic)
    there = reverse("analytics:plan-withdraw", args=[PlanRequest.objects.get().pk])
    client.force_login(UserFactory(organisation=OrganisationFactory(), role=roles.ADMINISTRATOR))
    assert client.post(there).status_code == 404
    client.force_login(administrator)
    assert client.post(there).status_code == 302
    assert not PlanRequest.objects.get().is_open
    client.post(there)  # twice: told, nothing changes
    assert AuditEvent.objects.filter(action="plan.withdraw").count() == 1


def test_the_own_plan_and_none_are_no_request(client, house, administrator):
    client.force_login(administrator)
    assert "Choose another" in ask(client, house, house.plan).content.decode()
    none = client.post(reverse("analytics:plan-ask", args=[house.pk]), {"words": "?"})
    assert none.status_code == 422
    assert "<title>Error:" in none.content.decode()
    assert not PlanRequest.objects.exists()


def test_only_an_operator_decides_and_only_once(client, house, administrator, operator, clinic):
    client.force_login(administrator)
    ask(client, house, clinic)
    asked = PlanRequest.objects.get()
    with pytest.raises(PermissionDenied):
        plan_request_decide(by=administrator, request=asked, grant=True)
    plan_request_decide(by=operator, request=asked, grant=False)
    with pytest.raises(ValidationError):
        plan_request_decide(by=operator, request=asked, grant=True)
    house.refresh_from_db()
    assert house.plan.name == "Small"
