"""The table before the wire: written with the act, tried eight times, given up out loud."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.timezone import now

from accounts.models import (
    AuditEvent,
    DeliveryState,
    Notice,
    WebhookDelivery,
    WebhookEndpoint,
)
from accounts.services import outbox
from accounts.services.outbox import (
    Outcome,
    deliveries_due,
    deliveries_purge,
    delivery_claim,
    delivery_close,
    event_note,
    is_due,
)
from accounts.services.webhooks import (
    delivery_resend,
    webhook_change,
    webhook_remove,
    webhook_rotate,
    webhook_test,
)
from accounts.webhooks import sender
from accounts.webhooks.sending import Undelivered
from tests.accounts.webhooks.endpoints import an_endpoint

pytestmark = pytest.mark.django_db
BROKEN = Outcome(503, "status", 12)


def note(endpoint, event="job.succeeded") -> WebhookDelivery:
    event_note(event, {"job": uuid4()}, organisation_id=endpoint.organisation_id)
    return WebhookDelivery.objects.filter(endpoint=endpoint).latest("created_at")


def tried(delivery: WebhookDelivery, outcome: Outcome) -> WebhookDelivery:
    """Make the next try, whenever it is due."""
    WebhookDelivery.objects.filter(pk=delivery.pk).update(next_try_at=now())
    delivery_close(delivery_claim(delivery.pk), outcome)
    delivery.refresh_from_db()
    return delivery


def test_only_the_organisations_own_endpoints_that_want_it_are_told():
    mine = an_endpoint(events=["job.succeeded"])
    an_endpoint(mine.organisation, by=mine.created_by, events=["report.signed"])
    off = an_endpoint(mine.organisation, by=mine.created_by)
    webhook_change(by=mine.created_by, endpoint=off, is_on=False)
    an_endpoint()
    job = uuid4()
    assert event_note("job.succeeded", {"job": job}, organisation_id=mine.organisation_id) == 1
    delivery = WebhookDelivery.objects.get()
    assert (delivery.endpoint, delivery.data) == (mine, {"job": str(job)})
    assert delivery.organisation == mine.organisation


def test_what_is_the_houses_is_told_to_every_organisation():
    an_endpoint(), an_endpoint()
    assert event_note("model.activated", {"model": uuid4()}, organisation_id=None) == 2


def test_an_event_that_nobody_declared_is_a_fault_of_ours():
    with pytest.raises(ValueError, match=r"job\.seen"):
        event_note("job.seen", {}, organisation_id=None)


def test_an_act_that_is_rolled_back_is_not_told():
    endpoint = an_endpoint()
    with transaction.atomic():
        note(endpoint)
        transaction.set_rollback(True)
    assert not is_due()


def test_a_message_is_claimed_once_and_holds_its_secrets():
    endpoint = an_endpoint()
    delivery = note(endpoint)
    assert deliveries_due() == [delivery.pk]
    assert deliveries_due({endpoint.pk}) == []
    message = delivery_claim(delivery.pk)
    assert message.url == endpoint.url
    assert message.headers["webhook-id"] == f"msg_{delivery.pk.hex}"
    assert delivery_claim(delivery.pk) is None
    assert not is_due()
    webhook_rotate(by=endpoint.created_by, endpoint=endpoint)
    WebhookDelivery.objects.update(next_try_at=now())
    again = delivery_claim(delivery.pk)
    assert again.body == message.body
    assert again.headers["webhook-signature"].count("v1,") == 2


def test_a_sender_that_died_is_followed_by_another():
    delivery = note(an_endpoint())
    delivery_claim(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.next_try_at - now() <= outbox.LEASE
    WebhookDelivery.objects.update(next_try_at=now())
    assert delivery_claim(delivery.pk).tries == 2


def test_eight_tries_then_it_is_given_up_and_the_endpoint_with_it(mailoutbox):
    endpoint = an_endpoint()
    delivery, other = note(endpoint), note(endpoint)
    waits = []
    for number in range(1, 8):
        tried(delivery, BROKEN)
        assert (delivery.state, delivery.tries) == (DeliveryState.WAITING, number)
        waits.append(delivery.next_try_at - delivery.tried_at)
    assert waits == sorted(waits)
    assert timedelta(hours=17) < sum(waits, timedelta()) < timedelta(hours=24)
    tried(delivery, BROKEN)
    assert (delivery.state, delivery.next_try_at) == (DeliveryState.GIVEN_UP, None)
    assert (delivery.status_code, delivery.problem, delivery.took_ms) == (503, "status", 12)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.off_reason) == ("off", "failing")
    assert Notice.objects.get(kind="webhook_off").to == endpoint.created_by
    assert AuditEvent.objects.get(action="webhook.off").organisation == endpoint.organisation
    WebhookDelivery.objects.filter(pk=other.pk).update(next_try_at=now())
    assert not is_due()  # it waits until somebody switches it on
    webhook_change(by=endpoint.created_by, endpoint=endpoint, is_on=True)
    assert deliveries_due() == [other.pk]


def test_an_endpoint_that_took_another_message_meanwhile_stays_on():
    endpoint = an_endpoint()
    delivery, later = note(endpoint), note(endpoint)
    tried(later, Outcome(200, "", 5))
    for _ in range(8):
        tried(delivery, BROKEN)
    endpoint.refresh_from_db()
    assert delivery.state == DeliveryState.GIVEN_UP
    assert endpoint.state == "active"


def test_gone_is_believed_at_once():
    endpoint = an_endpoint()
    delivery = tried(note(endpoint), Outcome(410, "status", 3))
    endpoint.refresh_from_db()
    assert delivery.state == DeliveryState.GIVEN_UP
    assert endpoint.off_reason == "gone"


def test_a_test_that_fails_switches_nothing_off():
    endpoint = an_endpoint()
    delivery = webhook_test(by=endpoint.created_by, endpoint=endpoint)
    for _ in range(8):
        tried(delivery, BROKEN)
    endpoint.refresh_from_db()
    assert (delivery.state, endpoint.state) == (DeliveryState.GIVEN_UP, "active")


def test_a_late_answer_of_a_sender_that_was_given_up_changes_nothing():
    delivery = note(an_endpoint())
    first = delivery_claim(delivery.pk)
    WebhookDelivery.objects.update(next_try_at=now())
    second = delivery_claim(delivery.pk)
    delivery_close(first, BROKEN)
    delivery.refresh_from_db()
    assert delivery.problem == ""
    delivery_close(second, Outcome(204, "", 5))
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.DELIVERED


def test_a_person_sends_it_again_under_the_same_id():
    endpoint = an_endpoint()
    delivery = note(endpoint)
    before = delivery_claim(delivery.pk)
    delivery_resend(by=endpoint.created_by, delivery=delivery)
    delivery.refresh_from_db()
    assert delivery.tries == 1  # it is being tried: nothing is done twice
    delivery_close(before, Outcome(204, "", 5))
    delivery_resend(by=endpoint.created_by, delivery=delivery)
    again = delivery_claim(delivery.pk)
    assert again.tries == 1
    assert again.headers["webhook-id"] == before.headers["webhook-id"]
    assert AuditEvent.objects.filter(action="webhook.resend").count() == 1


def test_while_it_is_off_nothing_is_tried_or_sent_again():
    endpoint = an_endpoint()
    delivery = note(endpoint)
    webhook_change(by=endpoint.created_by, endpoint=endpoint, is_on=False)
    with pytest.raises(ValidationError, match="Switch it on first"):
        webhook_test(by=endpoint.created_by, endpoint=endpoint)
    with pytest.raises(ValidationError, match="Switch it on first"):
        delivery_resend(by=endpoint.created_by, delivery=delivery)


def test_a_removed_endpoint_keeps_no_secret_and_sends_nothing():
    endpoint = an_endpoint()
    note(endpoint)
    webhook_rotate(by=endpoint.created_by, endpoint=endpoint)
    assert webhook_remove(by=endpoint.created_by, endpoint=endpoint)
    assert not webhook_remove(by=endpoint.created_by, endpoint=endpoint)
    row = WebhookEndpoint.objects.values("url", "secret", "former_secret").get()
    assert {str(value) for value in row.values()} == {""}
    assert WebhookDelivery.objects.get().state == DeliveryState.GIVEN_UP
    with pytest.raises(ValidationError, match="removed"):
        webhook_change(by=endpoint.created_by, endpoint=endpoint, is_on=True)


def test_the_former_secret_signs_for_a_day():
    endpoint = an_endpoint()
    first = endpoint.secret
    rotated = webhook_rotate(by=endpoint.created_by, endpoint=endpoint)
    assert rotated.keys == [rotated.secret, first]
    with time_machine.travel(now() + timedelta(hours=25)):
        assert rotated.keys == [rotated.secret]


def test_secrets_and_address_lie_sealed(django_assert_num_queries):
    endpoint = an_endpoint()
    row = WebhookEndpoint.objects.values_list("url", "secret").get()
    assert all(one.text.startswith("v1.") for one in row)
    assert endpoint.secret not in str(vars(row[1]) if hasattr(row[1], "__dict__") else row[1].text)


def test_messages_of_a_month_ago_are_forgotten():
    delivery = note(an_endpoint())
    assert deliveries_purge() == 0
    WebhookDelivery.objects.filter(pk=delivery.pk).update(created_at=now() - timedelta(days=31))
    assert deliveries_purge() == 1


def test_the_sender_tries_each_once_and_one_dead_receiver_holds_nobody(monkeypatch):
    good, bad = an_endpoint(), an_endpoint(url="https://dead.example.org/")
    for endpoint in (good, bad, good, bad, good):
        note(endpoint)
    sent = []

    def send(url, **how):
        sent.append(url)
        if "dead" in url:
            raise Undelivered("connection")
        return 204

    monkeypatch.setattr(sender, "send", send)
    assert sender.send_due() == 5
    states = dict(WebhookDelivery.objects.values_list("pk", "state"))
    assert sorted(states.values()) == ["delivered"] * 3 + ["waiting"] * 2
    assert sent.count(good.url) == 3
    waiting = WebhookDelivery.objects.filter(state="waiting")
    assert {row.problem_words for row in waiting} == {
        "No connection, or it broke off before an answer."
    }


def test_a_fault_of_ours_in_one_message_stops_no_other(monkeypatch, caplog):
    good, odd = an_endpoint(), an_endpoint(url="https://odd.example.org/")
    for endpoint in (odd, good):
        note(endpoint)

    def send(url, **how):
        if "odd" in url:
            raise LookupError("nobody thought of this")
        return 204

    monkeypatch.setattr(sender, "send", send)
    assert sender.send_due() == 2
    assert WebhookDelivery.objects.get(endpoint=good).state == "delivered"
    held = WebhookDelivery.objects.get(endpoint=odd)
    assert (held.state, held.problem, held.tries) == ("waiting", "unexpected", 1)
    assert "nobody thought of this" in caplog.text


def test_to_tell_nobody_costs_one_statement(django_assert_num_queries):
    endpoint = an_endpoint()
    with django_assert_num_queries(1):
        event_note("job.failed", {"job": uuid4()}, organisation_id=uuid4())
    assert endpoint
