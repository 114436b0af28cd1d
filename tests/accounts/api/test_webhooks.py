"""Webhooks by API: made, read, changed, tried and removed by an administrator alone."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from accounts.models import WebhookDelivery, WebhookEndpoint
from accounts.roles import ADMINISTRATOR, RADIOLOGIST
from accounts.services.outbox import Outcome, delivery_claim, delivery_close
from tests.accounts.api.calls import bearer, pair_of
from tests.accounts.api.keys import a_key, by_key
from tests.accounts.factories import OrganisationFactory, UserFactory
from tests.accounts.webhooks.endpoints import URL, an_endpoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return OrganisationFactory()


@pytest.fixture
def call(client, house):
    head = UserFactory(organisation=house, role=ADMINISTRATOR)
    headers = bearer(pair_of(client, head)["access"])

    def send(method, route, status, *, pk=None, query="", **body):
        there = reverse(f"api:{route}", args=[pk] if pk else []) + query
        sent = json.dumps(body, default=str) if body else ""
        answer = client.generic(method, there, sent, "application/json", headers=headers)
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None

    return send


def test_the_whole_life_of_one(call, house):
    body = {"organisation": house.pk, "url": URL, "events": ["job.succeeded"]}
    made = call("POST", "webhook-list", 201, **body)
    assert made["secret"].startswith("whsec_")
    read = call("GET", "webhook-detail", 200, pk=made["id"])
    assert "secret" not in read
    assert (read["is_on"], read["events"], read["url"]) == (True, ["job.succeeded"], URL)
    assert [row["id"] for row in call("GET", "webhook-list", 200)["results"]] == [made["id"]]
    changed = call("PATCH", "webhook-detail", 200, pk=made["id"], is_on=False)
    assert (changed["is_on"], changed["off_reason"]) == (False, "person")
    said = call("POST", "webhook-test", 422, pk=made["id"])
    assert "Switch it on first" in said["detail"]
    call("PATCH", "webhook-detail", 200, pk=made["id"], is_on=True, events=["export.ready"])
    rotated = call("POST", "webhook-rotate", 200, pk=made["id"])
    assert rotated["secret"] != made["secret"]
    assert rotated["former_secret_until"]
    call("DELETE", "webhook-detail", 204, pk=made["id"])
    call("GET", "webhook-detail", 404, pk=made["id"])


def test_a_delivery_is_followed_and_sent_again(call, house):
    endpoint = an_endpoint(house)
    tested = call("POST", "webhook-test", 202, pk=endpoint.pk)
    assert (tested["state"], tested["tries"], tested["event"]) == ("waiting", 0, "webhook.test")
    delivery_close(delivery_claim(WebhookDelivery.objects.get().pk), Outcome(204, "", 9))
    told = call("GET", "webhook-delivery-detail", 200, pk=tested["id"])
    assert (told["state"], told["status_code"], told["took_ms"]) == ("delivered", 204, 9)
    again = call("POST", "webhook-delivery-resend", 202, pk=tested["id"])
    assert (again["state"], again["tries"]) == ("waiting", 0)
    assert again["webhook_id"] == told["webhook_id"]
    for query, count in ((f"?endpoint={endpoint.pk}", 1), ("?state=delivered", 0)):
        assert len(call("GET", "webhook-delivery-list", 200, query=query)["results"]) == count


def test_what_is_wrong_is_named(call, house):
    body = {"organisation": house.pk, "url": URL, "events": ["job.succeeded"]}
    assert "https" in call("POST", "webhook-list", 422, **body | {"url": "http://x/"})["detail"]
    refused = call("POST", "webhook-list", 422, **body | {"url": "https://169.254.169.254/"})
    assert "not public" in refused["detail"]
    fields = call("POST", "webhook-list", 400, **body | {"events": ["x"]})["errors"]
    assert fields[0]["field"].startswith("events")
    other = OrganisationFactory()
    fields = call("POST", "webhook-list", 400, **body | {"organisation": other.pk})["errors"]
    assert fields[0]["field"] == "organisation"
    assert not WebhookEndpoint.objects.exists()


def test_those_of_another_hospital_are_not_there(call):
    foreign = an_endpoint()
    assert call("GET", "webhook-list", 200)["results"] == []
    for method, route in (
        ("GET", "webhook-detail"), ("PATCH", "webhook-detail"), ("DELETE", "webhook-detail"),
        ("POST", "webhook-rotate"), ("POST", "webhook-test"),
    ):  # fmt: skip
        call(method, route, 404, pk=foreign.pk)


def test_no_other_role_no_key_and_nobody(client, house):
    there = reverse("api:webhook-list")
    assert client.get(there).status_code == 401
    reader = UserFactory(organisation=house, role=RADIOLOGIST)
    token = pair_of(client, reader)["access"]
    assert client.get(there, headers=bearer(token)).status_code == 403
    _key, secret = a_key(house)
    assert client.get(there, headers=by_key(secret)).status_code == 403


def test_a_session_that_has_proved_nothing_lately_changes_nothing(client, house):
    endpoint = an_endpoint(house)
    client.force_login(endpoint.created_by)
    assert client.get(reverse("api:webhook-detail", args=[endpoint.pk])).status_code == 200
    answer = client.post(reverse("api:webhook-rotate", args=[endpoint.pk]))
    assert answer.status_code == 403
    assert answer.json()["code"] == "step_up_required"
