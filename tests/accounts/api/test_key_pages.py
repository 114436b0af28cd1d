"""The administrator's page of API keys: theirs only, after a fresh proof, secret shown once."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.urls import reverse

from accounts.models import ApiKey, AuditEvent
from accounts.roles import ADMINISTRATOR, AUDITOR, RADIOLOGIST
from accounts.services.membership_rules import seats_check
from tests.accounts.api.keys import a_key, by_key
from tests.accounts.factories import MembershipFactory, OrganisationFactory, UserFactory, verify

pytestmark = pytest.mark.django_db
LIST, NEW = reverse("accounts:api-key-list"), reverse("accounts:api-key-new")


@pytest.fixture
def hospital():
    return OrganisationFactory()


@pytest.fixture
def admin(client, hospital):
    """The client of an administrator who has just shown password and code."""
    return verify(client, UserFactory(organisation=hospital, role=ADMINISTRATOR))


def order(organisation, **changes) -> dict:
    return {
        "id": uuid4(), "organisation": organisation.pk, "name": "PACS gateway",
        "scopes": ["upload.create", "run.view"], "days": 30, "networks": "",
    } | changes  # fmt: skip


def text_of(answer) -> str:
    return answer.content.decode()


def test_a_new_key_is_shown_once_and_opens_the_api(admin, hospital):
    answer = admin.post(NEW, order(hospital, networks="127.0.0.0/8, 10.1.2.3\n"))
    assert answer.status_code == 201
    assert "no-store" in answer["Cache-Control"]
    secret = re.search(r'id="secret"[^>]*>([0-9a-f]{12}\.[\w-]{43})<', text_of(answer))[1]
    assert admin.get(reverse("api:me"), headers=by_key(secret)).status_code == 200
    page = text_of(admin.get(LIST))
    assert "PACS gateway" in page
    assert "127.0.0.0/8, 10.1.2.3/32" in page
    assert secret.partition(".")[2] not in page
    key = ApiKey.objects.get()
    event = AuditEvent.objects.get(action="api_key.create")
    assert (event.organisation, event.reason) == (hospital, "run.view upload.create")
    assert key.created_by == event.actor


def test_a_form_sent_twice_makes_one_key(admin, hospital):
    body = order(hospital)
    assert admin.post(NEW, body).status_code == 201
    answer = admin.post(NEW, body, follow=True)
    assert answer.redirect_chain == [(LIST, 302)]
    assert "not shown again" in text_of(answer)
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("name", "", "required"),
        ("scopes", [], "Choose at least one"),
        ("scopes", ["people.manage"], "people.manage"),
        ("days", 365, "365"),
        ("networks", "10.0.0.0/8 hospital.example", "hospital.example"),
    ],
)
def test_a_wrong_form_is_422_and_says_what(admin, hospital, field, value, word):
    answer = admin.post(NEW, order(hospital, **{field: value}))
    assert answer.status_code == 422
    assert word in text_of(answer)
    assert not ApiKey.objects.exists()


def test_a_revoked_key_stays_on_the_list_and_opens_nothing(admin, hospital):
    key, secret = a_key(hospital)
    where = reverse("accounts:api-key-revoke", args=[key.pk])
    page = admin.get(where)
    assert "cannot be undone" in text_of(page)
    assert ApiKey.objects.get().revoked_at is None  # a GET changes nothing
    answer = admin.post(where, follow=True)
    assert "Revoked" in text_of(answer)
    assert admin.get(reverse("api:me"), headers=by_key(secret)).status_code == 401
    assert admin.post(where).status_code == 302
    assert AuditEvent.objects.filter(action="api_key.revoke").count() == 1


def test_the_keys_of_another_hospital_are_not_there(admin):
    foreign, _secret = a_key(name="Foreign machine")
    assert "Foreign machine" not in text_of(admin.get(LIST))
    where = reverse("accounts:api-key-revoke", args=[foreign.pk])
    assert admin.get(where).status_code == 404
    assert admin.post(where).status_code == 404
    unknown = reverse("accounts:api-key-revoke", args=[uuid4()])
    assert admin.get(unknown).status_code == 404
    assert admin.post(NEW, order(foreign.organisation)).status_code == 422
    assert ApiKey.objects.count() == 1


def test_an_administrator_of_one_place_is_none_elsewhere(admin):
    other = OrganisationFactory()
    MembershipFactory(
        user=UserFactory._meta.model.objects.get(memberships__role=ADMINISTRATOR),
        organisation=other, role=RADIOLOGIST,
    )  # fmt: skip
    assert admin.post(NEW, order(other)).status_code == 422


@pytest.mark.parametrize("role", [RADIOLOGIST, AUDITOR])
def test_another_role_is_told_which_one_it_takes(client, hospital, role):
    key, _secret = a_key(hospital)
    verify(client, UserFactory(organisation=hospital, role=role))
    for address in (LIST, NEW, reverse("accounts:api-key-revoke", args=[key.pk])):
        answer = client.get(address)
        assert answer.status_code == 403
        assert "Administrator" in text_of(answer)


def test_the_anonymous_are_sent_to_the_door(client):
    for address in (LIST, NEW):
        assert client.get(address).url.startswith(reverse("account_login"))


def test_an_old_proof_is_asked_again_and_the_form_survives(client, hospital):
    client.force_login(UserFactory(organisation=hospital, role=ADMINISTRATOR))
    answer = client.post(NEW, order(hospital))
    assert answer.status_code == 302
    assert "reauthenticate" in answer.url
    assert not ApiKey.objects.exists()


def test_the_list_costs_the_same_for_one_key_and_for_many(
    admin, hospital, django_assert_max_num_queries
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    maker = UserFactory(organisation=hospital, role=ADMINISTRATOR)
    a_key(hospital, by=maker)
    admin.get(LIST)
    with CaptureQueriesContext(connection) as one:
        admin.get(LIST)
    for number in range(4):
        a_key(hospital, by=maker, name=f"Machine {number}")
    with django_assert_max_num_queries(len(one)):
        admin.get(LIST)


def test_a_machine_is_nobody_among_the_people_and_takes_no_seat(admin, hospital):
    key, _secret = a_key(hospital)
    page = text_of(admin.get(reverse("people:list", args=[hospital.pk])))
    assert key.account.name not in page
    assert "service.invalid" not in page
    membership = key.account.user.memberships.get()
    assert admin.post(reverse("people:membership-end", args=[membership.pk])).status_code == 404
    hospital.plan.members = hospital.memberships.of_people().count() + 1
    hospital.plan.save()
    seats_check(organisation=hospital, email="newcomer@example.org")
