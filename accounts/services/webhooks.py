"""What people do with endpoints of webhooks: make, change, rotate, try, send again, remove."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import (
    DeliveryState,
    OffReason,
    Organisation,
    User,
    WebhookDelivery,
    WebhookEndpoint,
)
from accounts.services.outbox import LEASE, trial_note
from accounts.webhooks.addresses import WrongAddress, target_of
from accounts.webhooks.events import EVENTS
from accounts.webhooks.signing import secret_new
from accounts.webhooks.tables import FORMER_FOR, PROBLEMS

MOST_ENDPOINTS = 20  # of one organisation


class EndpointExists(Exception):
    """An endpoint with this id is there: the form was sent twice, and its secret was shown."""


def url_check(url: str) -> None:
    """Raise ValidationError, in words, for an address that nothing is sent to."""
    try:
        target_of(url, settings.WEBHOOK_NETWORKS)
    except WrongAddress as wrong:
        raise ValidationError(PROBLEMS[wrong.code], wrong.code) from None


@transaction.atomic
def webhook_create(
    *, by: User, organisation: Organisation, url: str, events: Sequence[str], pk: UUID | None = None
) -> WebhookEndpoint:
    """Make an endpoint; its secret is to be shown now and never again.

    Raises: EndpointExists when called again with the same `pk`; ValidationError, in words.
    """
    url_check(url)
    _events_check(events)
    Organisation.objects.select_for_update(of=("self",)).get(pk=organisation.pk)  # sent twice: one
    if pk is not None and WebhookEndpoint.objects.filter(pk=pk).exists():
        raise EndpointExists
    there = WebhookEndpoint.objects.filter(organisation=organisation, removed_at=None)
    if there.count() >= MOST_ENDPOINTS:
        raise ValidationError(
            _("An organisation has at most %(n)d endpoints. Remove one first.")
            % {"n": MOST_ENDPOINTS}
        )
    endpoint = WebhookEndpoint(
        id=pk or uuid4(), organisation=organisation, url=url, events=sorted(set(events)),
        secret=secret_new(), created_by=by,
    )  # fmt: skip
    endpoint.save(force_insert=True)
    audit.record(by, "webhook.create", endpoint, reason=" ".join(endpoint.events))
    return endpoint


@transaction.atomic
def webhook_change(
    *,
    by: User,
    endpoint: WebhookEndpoint,
    url: str | None = None,
    events: Sequence[str] | None = None,
    is_on: bool | None = None,
) -> WebhookEndpoint:
    """Change what is said; switched on again, it is sent what waits. Raises ValidationError."""
    held = _held(endpoint)
    done = []
    if url is not None and url != held.url:
        url_check(url)
        held.url, done = url, [*done, "address"]
    if events is not None and sorted(set(events)) != held.events:
        _events_check(events)
        held.events, done = sorted(set(events)), [*done, *sorted(set(events))]
    if is_on is not None and is_on != (held.off_at is None):
        held.off_at = None if is_on else now()
        held.off_reason = "" if is_on else OffReason.PERSON
        done.append("on" if is_on else "off")
    if done:
        held.save(update_fields=["url", "events", "off_at", "off_reason"])
        audit.record(by, "webhook.change", held, reason=" ".join(done))
    return held


@transaction.atomic
def webhook_rotate(*, by: User, endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """Give it a new secret, to be shown now; the one before signs beside it for a day."""
    held = _held(endpoint)
    held.former_secret, held.former_until = held.secret, now() + FORMER_FOR
    held.secret = secret_new()
    held.save(update_fields=["secret", "former_secret", "former_until"])
    audit.record(by, "webhook.rotate", held)
    return held


@transaction.atomic
def webhook_remove(*, by: User, endpoint: WebhookEndpoint) -> bool:
    """End it: address and secrets go, what waits is not sent. Twice: nothing."""
    kept = WebhookEndpoint.objects.filter(pk=endpoint.pk, removed_at=None)
    gone = {"url": "", "secret": "", "former_secret": "", "former_until": None}
    off = {"off_at": Now(), "off_reason": OffReason.PERSON, "removed_at": Now()}
    if not kept.update(**gone, **off):
        return False
    waiting = WebhookDelivery.objects.filter(endpoint=endpoint.pk, state=DeliveryState.WAITING)
    waiting.update(state=DeliveryState.GIVEN_UP, next_try_at=None)
    audit.record(by, "webhook.delete", endpoint)
    return True


@transaction.atomic
def webhook_test(*, by: User, endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Send a message that tells of nothing. Raises ValidationError while it is switched off."""
    _on_check(_held(endpoint))
    audit.record(by, "webhook.test", endpoint)
    return trial_note(endpoint)


@transaction.atomic
def delivery_resend(*, by: User, delivery: WebhookDelivery) -> WebhookDelivery:
    """Send a message once more, under the same id, with all its tries before it.

    One that is being tried at this moment stays as it is. Raises ValidationError while the
    endpoint is switched off.
    """
    _on_check(_held(delivery.endpoint))
    under_way = Q(state=DeliveryState.WAITING, problem="", tried_at__gt=now() - LEASE)
    again = {"state": DeliveryState.WAITING, "tries": 0, "next_try_at": now()}
    rows = WebhookDelivery.objects.filter(pk=delivery.pk).exclude(under_way)
    if rows.update(status_code=None, problem="", took_ms=None, tried_at=None, **again):
        audit.record(by, "webhook.resend", delivery.endpoint, reason=delivery.event)
    delivery.refresh_from_db()
    return delivery


def _held(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    rows = WebhookEndpoint.objects.select_for_update(of=("self",)).filter(removed_at=None)
    found = rows.filter(pk=endpoint.pk).first()
    if found is None:
        raise ValidationError(_("This endpoint was removed."))
    return found


def _events_check(events: Sequence[str]) -> None:
    if not events:
        raise ValidationError(_("Choose at least one event."))
    if unknown := sorted(set(events) - EVENTS.keys()):
        raise ValidationError(_("There is no event %(name)s.") % {"name": unknown[0][:64]})


def _on_check(endpoint: WebhookEndpoint) -> None:
    if endpoint.off_at is not None:
        raise ValidationError(_("This endpoint is switched off. Switch it on first."))
