"""An endpoint as an administrator makes it."""

from __future__ import annotations

from accounts.models import WebhookEndpoint
from accounts.roles import ADMINISTRATOR
from accounts.services.webhooks import webhook_create
from accounts.webhooks.events import EVENTS
from tests.accounts.factories import OrganisationFactory, UserFactory

URL = "https://receiver.example.org/hook"


def an_endpoint(organisation=None, **changes) -> WebhookEndpoint:
    organisation = organisation or OrganisationFactory()
    wanted = {
        "organisation": organisation,
        "url": URL,
        "events": list(EVENTS),
        "by": changes.get("by") or UserFactory(organisation=organisation, role=ADMINISTRATOR),
    }
    return webhook_create(**wanted | changes)
