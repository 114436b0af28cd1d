"""API keys by API: told once, read, revoked, by an administrator who has just signed in."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from accounts.models import ApiKey
from accounts.roles import ADMINISTRATOR, RADIOLOGIST
from tests.accounts.api.calls import bearer, pair_of
from tests.accounts.api.keys import a_key, by_key
from tests.accounts.factories import OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db
LIST = reverse("api:key-list")


@pytest.fixture
def house():
    return OrganisationFactory()


@pytest.fixture
def headers(client, house):
    return bearer(pair_of(client, UserFactory(organisation=house, role=ADMINISTRATOR))["access"])


def order(house, **changes) -> str:
    body = {"organisation": str(house.pk), "machine": "Gateway", "scopes": ["run.view"], "days": 7}
    return json.dumps(body | changes)


def test_a_key_is_told_once_opens_and_is_revoked(client, house, headers):
    made = client.post(LIST, order(house), content_type="application/json", headers=headers)
    assert made.status_code == 201, made.content
    key = made.json()["key"]
    assert client.get(reverse("api:me"), headers=by_key(key)).status_code == 200
    there = made["Location"]
    read = client.get(there, headers=headers).json()
    assert "key" not in read
    assert (read["machine"], read["state"], read["scopes"]) == ("Gateway", "active", ["run.view"])
    assert client.delete(there, headers=headers).status_code == 204
    assert client.get(there, headers=headers).json()["state"] == "revoked"
    assert client.get(reverse("api:me"), headers=by_key(key)).status_code == 401


@pytest.mark.parametrize(
    ("field", "value"),
    [("scopes", ["people.manage"]), ("scopes", []), ("days", 91), ("days", 0),
     ("networks", ["x"]), ("machine", ""), ("organisation", "x")],
)  # fmt: skip
def test_what_is_wrong_is_named(client, house, headers, field, value):
    sent = order(house, **{field: value})
    answer = client.post(LIST, sent, content_type="application/json", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].split(".")[0] == field
    assert not ApiKey.objects.exists()


def test_those_of_another_hospital_are_not_there_nor_for_another_role(client, house, headers):
    foreign, secret = a_key()
    assert client.get(LIST, headers=headers).json()["results"] == []
    there = reverse("api:key-detail", args=[foreign.pk])
    assert client.get(there, headers=headers).status_code == 404
    assert client.delete(there, headers=headers).status_code == 404
    sent = order(foreign.organisation)
    answer = client.post(LIST, sent, content_type="application/json", headers=headers)
    assert answer.status_code == 400
    reader = UserFactory(organisation=house, role=RADIOLOGIST)
    assert client.get(LIST, headers=bearer(pair_of(client, reader)["access"])).status_code == 403
    assert client.get(LIST, headers=by_key(secret)).status_code == 403
    assert client.get(LIST).status_code == 401
