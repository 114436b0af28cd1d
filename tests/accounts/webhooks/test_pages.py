"""The administrator's pages of webhooks: theirs only; secrets once; tried, sent again, removed."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.urls import reverse

from accounts.models import AuditEvent, WebhookDelivery, WebhookEndpoint
from accounts.roles import ADMINISTRATOR, AUDITOR, RADIOLOGIST
from accounts.services.outbox import Outcome, delivery_claim, delivery_close
from tests.accounts.factories import OrganisationFactory, UserFactory, verify
from tests.accounts.webhooks.endpoints import URL, an_endpoint

pytestmark = pytest.mark.django_db
LIST, NEW = reverse("accounts:webhook-list"), reverse("accounts:webhook-new")


@pytest.fixture
def hospital():
    return OrganisationFactory()


@pytest.fixture
def admin(client, hospital):
    """The client of an administrator who has just shown password and code."""
    return verify(client, UserFactory(organisation=hospital, role=ADMINISTRATOR))


def order(organisation, **changes) -> dict:
    made = {"id": uuid4(), "organisation": organisation.pk, "url": URL}
    return made | {"events": ["job.succeeded", "report.signed"]} | changes


def there(name: str, row) -> str:
    return reverse(f"accounts:webhook-{name}", args=[row.pk])


def text_of(answer) -> str:
    return answer.content.decode()


def test_a_new_webhook_shows_its_secret_once(admin, hospital):
    answer = admin.post(NEW, order(hospital))
    assert answer.status_code == 201
    assert "no-store" in answer["Cache-Control"]
    secret = re.search(r'id="secret"[^>]*>(whsec_[\w+/=]{44})<', text_of(answer))[1]
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.secret, endpoint.organisation) == (secret, hospital)
    for page in (LIST, there("detail", endpoint), there("edit", endpoint)):
        shown = text_of(admin.get(page))
        assert "receiver.example.org" in shown
        assert secret not in shown
    event = AuditEvent.objects.get(action="webhook.create")
    assert (event.organisation, event.reason) == (hospital, "job.succeeded report.signed")


def test_a_form_sent_twice_makes_one(admin, hospital):
    body = order(hospital)
    assert admin.post(NEW, body).status_code == 201
    answer = admin.post(NEW, body, follow=True)
    assert answer.redirect_chain == [(LIST, 302)]
    assert "not shown again" in text_of(answer)
    assert WebhookEndpoint.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("url", "http://receiver.example.org/", "does not begin with https://"),
        ("url", "https://10.0.0.5/hook", "WEBHOOK_NETWORKS"),
        ("url", "https://user:secret@receiver.example.org/", "not one that a message"),
        ("url", "", "required"),
        ("events", [], "Choose at least one"),
        ("events", ["patient.named"], "patient.named"),
    ],
)
def test_a_wrong_form_is_422_and_says_what(admin, hospital, field, value, word):
    answer = admin.post(NEW, order(hospital, **{field: value}))
    assert answer.status_code == 422
    assert word in text_of(answer)
    assert not WebhookEndpoint.objects.exists()


def test_a_test_is_sent_and_its_delivery_shown_and_sent_again(admin, hospital):
    endpoint = an_endpoint(hospital)
    answer = admin.post(there("test", endpoint), follow=True)
    assert "on its way" in text_of(answer)
    delivery = WebhookDelivery.objects.get()
    assert (delivery.event, delivery.data) == ("webhook.test", {"endpoint": str(endpoint.pk)})
    delivery_close(delivery_claim(delivery.pk), Outcome(302, "redirect", 40))
    page = text_of(admin.get(there("detail", endpoint)))
    assert "answered with a redirect" in page
    assert "302" in page
    admin.post(reverse("accounts:webhook-resend", args=[delivery.pk]))
    delivery.refresh_from_db()
    assert (delivery.tries, delivery.state, delivery.status_code) == (0, "waiting", None)


def test_it_is_changed_switched_off_and_on_rotated_and_removed(admin, hospital):
    endpoint = an_endpoint(hospital)
    changed = {"url": "https://other.example.org/", "events": ["export.ready"]}
    assert admin.post(there("edit", endpoint), changed).status_code == 302
    admin.post(there("switch", endpoint), {"on": "0"})
    assert "switched off by a person" in text_of(admin.get(there("detail", endpoint))).lower()
    assert "switched off" in text_of(admin.post(there("test", endpoint), follow=True))
    admin.post(there("switch", endpoint), {"on": "1"})
    before = WebhookEndpoint.objects.get()
    assert (before.url, before.events) == (changed["url"], changed["events"])
    assert before.state == "active"
    answer = admin.post(there("rotate", endpoint))
    after = WebhookEndpoint.objects.get()
    assert answer.status_code == 201
    assert after.secret in text_of(answer).replace("&#x2B;", "+")
    assert after.keys == [after.secret, before.secret]
    assert "cannot be undone" in text_of(admin.get(there("remove", endpoint)))
    admin.post(there("remove", endpoint))
    assert admin.get(there("detail", endpoint)).status_code == 404
    actions = set(AuditEvent.objects.filter(action__startswith="webhook").values_list("action"))
    wanted = {"webhook.create", "webhook.change", "webhook.rotate", "webhook.delete"}
    assert {name for (name,) in actions} == wanted


def test_those_of_another_hospital_are_not_there(admin):
    foreign = an_endpoint(url="https://foreign.example.org/")
    assert "foreign.example.org" not in text_of(admin.get(LIST))
    for name in ("detail", "edit", "remove"):
        assert admin.get(there(name, foreign)).status_code == 404
    for name in ("switch", "rotate", "test", "remove", "edit"):
        assert admin.post(there(name, foreign)).status_code == 404
    assert admin.post(NEW, order(foreign.organisation)).status_code == 422
    assert WebhookEndpoint.objects.get().off_at is None


@pytest.mark.parametrize("role", [RADIOLOGIST, AUDITOR])
def test_another_role_is_refused_and_the_anonymous_sent_away(client, hospital, role):
    endpoint = an_endpoint(hospital)
    assert client.get(there("detail", endpoint)).status_code == 302
    verify(client, UserFactory(organisation=hospital, role=role))
    for address in (LIST, NEW, there("detail", endpoint)):
        assert client.get(address).status_code == 403


def test_an_old_proof_is_asked_for_anew(client, hospital):
    endpoint = an_endpoint(hospital)
    client.force_login(endpoint.created_by)
    assert client.get(there("detail", endpoint)).status_code == 200
    for name in ("edit", "switch", "rotate", "test", "remove"):
        assert "/reauthenticate/" in client.post(there(name, endpoint)).url


def test_a_page_of_many_costs_no_more_statements(admin, hospital, django_assert_max_num_queries):
    endpoint = an_endpoint(hospital)
    for _ in range(60):
        admin.post(there("test", endpoint))
    with django_assert_max_num_queries(20):
        page = text_of(admin.get(there("detail", endpoint)))
    assert page.count("webhook.test") >= 50
    assert "of 60" in page
