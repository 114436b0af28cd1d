"""Messages to other systems: written in the transaction of what they tell, sent, tried again."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q
from django.db.models.functions import Now
from django.utils.timezone import now

from accounts import audit
from accounts.models import DeliveryState, OffReason, WebhookDelivery, WebhookEndpoint
from accounts.roles import ADMINISTRATOR
from accounts.services.notices import notice_send_to_role
from accounts.vault.cipher import VaultError
from accounts.webhooks.events import EVENTS, TEST, wait_after
from accounts.webhooks.signing import body_of, signed_headers

LEASE = timedelta(minutes=2)  # of a sender that may have died; a try takes seconds
KEPT = timedelta(days=30)
GONE = 410
_UNKNOWN = {"status_code": None, "problem": "", "took_ms": None}  # while a try is under way


@dataclass(frozen=True, slots=True)
class Message:
    """A delivery that is to be sent now, ready to go."""

    delivery_id: UUID
    endpoint_id: UUID
    tries: int
    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try; `problem` is "" when it was delivered."""

    status: int | None
    problem: str
    took_ms: int | None = None


def event_note(event: str, data: Mapping[str, UUID], *, organisation_id: UUID | None) -> int:
    """Write a message for each endpoint that wants `event`; return how many.

    Belongs into the transaction of the act itself. `data` holds ids, nothing else; without an
    organisation it is for those of every one. Raises ValueError for an undeclared event.
    """
    if event not in EVENTS:
        raise ValueError(f"{event!r} is not declared in accounts/webhooks/events.py")
    endpoints = WebhookEndpoint.objects.filter(off_at=None).only("organisation_id", "events")
    if organisation_id is not None:
        endpoints = endpoints.filter(organisation=organisation_id)
    wanted = [one for one in endpoints if event in one.events]
    ids = {name: str(pk) for name, pk in data.items()}
    return len(WebhookDelivery.objects.bulk_create(_written(one, event, ids) for one in wanted))


def trial_note(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Write the message of a test, which has no event behind it."""
    delivery = _written(endpoint, TEST, {"endpoint": str(endpoint.pk)})
    delivery.save(force_insert=True)
    return delivery


def deliveries_due(but_of: Collection[UUID] = (), most: int = 50) -> list[UUID]:
    """Return deliveries to send now, at most one of an endpoint, the longest due first."""
    rows = WebhookDelivery.objects.filter(_due()).exclude(endpoint__in=but_of)
    first: dict[UUID, UUID] = {}
    for pk, endpoint in rows.order_by("next_try_at").values_list("pk", "endpoint")[: 20 * most]:
        first.setdefault(endpoint, pk)
    return list(first.values())[:most]


def is_due() -> bool:
    """Say whether there is something to send."""
    return WebhookDelivery.objects.filter(_due()).exists()


def delivery_claim(pk: UUID) -> Message | None:
    """Take a delivery for this sender by one UPDATE; None: nothing to take."""
    lease = ExpressionWrapper(Now() + LEASE, output_field=DateTimeField())
    taken = WebhookDelivery.objects.filter(_due(), pk=pk).update(
        tries=F("tries") + 1, tried_at=Now(), next_try_at=lease, **_UNKNOWN
    )
    if not taken:
        return None
    delivery = WebhookDelivery.objects.select_related("endpoint").get(pk=pk)
    body = body_of(delivery.event, delivery.created_at, delivery.data)
    try:
        url, keys = delivery.endpoint.url, delivery.endpoint.keys
    except VaultError:
        _close(delivery, delivery.tries, Outcome(None, "key"))
        return None
    headers = signed_headers(pk=delivery.pk, at=now(), body=body, keys=keys)
    return Message(pk, delivery.endpoint_id, delivery.tries, url, body, headers)


def delivery_close(message: Message, outcome: Outcome) -> None:
    """Write down what came of a try; the next one, the end, or the end of the endpoint.

    Nothing happens when somebody else has tried meanwhile.
    """
    delivery = WebhookDelivery.objects.get(pk=message.delivery_id)
    _close(delivery, message.tries, outcome)


def deliveries_purge() -> int:
    """Forget messages of thirty days ago, delivered or not."""
    count, _by_table = WebhookDelivery.objects.filter(created_at__lt=now() - KEPT).delete()
    return count


def _written(endpoint: WebhookEndpoint, event: str, ids: dict[str, str]) -> WebhookDelivery:
    return WebhookDelivery(
        organisation_id=endpoint.organisation_id,
        endpoint=endpoint,
        event=event,
        data=ids,
        next_try_at=now(),
    )


def _due() -> Q:
    return Q(state=DeliveryState.WAITING, next_try_at__lte=Now(), endpoint__off_at=None)


@transaction.atomic
def _close(delivery: WebhookDelivery, tries: int, outcome: Outcome) -> None:
    mine = WebhookDelivery.objects.filter(pk=delivery.pk, state=DeliveryState.WAITING, tries=tries)
    facts = {
        "status_code": outcome.status, "problem": outcome.problem, "took_ms": outcome.took_ms
    }  # fmt: skip
    if not outcome.problem:
        if mine.update(state=DeliveryState.DELIVERED, next_try_at=None, **facts):
            WebhookEndpoint.objects.filter(pk=delivery.endpoint_id).update(succeeded_at=Now())
        return
    wait = None if outcome.status == GONE else wait_after(tries, random.random())
    if wait is not None:
        mine.update(next_try_at=now() + wait, **facts)
        return
    if mine.update(state=DeliveryState.GIVEN_UP, next_try_at=None, **facts):
        gone = outcome.status == GONE
        _switch_off(delivery, OffReason.GONE if gone else OffReason.FAILING)


def _switch_off(delivery: WebhookDelivery, reason: OffReason) -> None:
    """End an endpoint that took nothing since this message was written; tell whose it is."""
    if delivery.event == TEST and reason != OffReason.GONE:
        return  # a test is a question, and its answer stands beside it
    rows = WebhookEndpoint.objects.filter(pk=delivery.endpoint_id, off_at=None)
    if reason == OffReason.FAILING:
        rows = rows.exclude(succeeded_at__gt=delivery.created_at)
    if not rows.update(off_at=Now(), off_reason=reason):
        return
    endpoint = WebhookEndpoint.objects.select_related("organisation").get(pk=delivery.endpoint_id)
    audit.record(None, "webhook.off", endpoint, reason=reason)
    notice_send_to_role(
        role=ADMINISTRATOR, kind="webhook_off", organisation=endpoint.organisation,
        facts={"id": str(endpoint.pk)[:8], "since": _minute(delivery.created_at)},
    )  # fmt: skip


def _minute(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")
