"""A key as an administrator makes it, and the header that carries it."""

from __future__ import annotations

from datetime import timedelta

from django.utils.timezone import now

from accounts.models import ApiKey
from accounts.roles import ADMINISTRATOR
from accounts.services.api_keys import api_key_create
from tests.accounts.factories import OrganisationFactory, UserFactory


def a_key(organisation=None, **changes) -> tuple[ApiKey, str]:
    organisation = organisation or OrganisationFactory()
    wanted = {
        "organisation": organisation,
        "name": "Archive",
        "scopes": ["run.view", "upload.create"],
        "networks": [],
        "expires_at": now() + timedelta(days=30),
        "by": changes.get("by") or UserFactory(organisation=organisation, role=ADMINISTRATOR),
    }
    return api_key_create(**wanted | changes)


def by_key(text: str) -> dict[str, str]:
    return {"Authorization": f"Api-Key {text}"}
