"""The first administrator made in a browser, by a code that the console printed."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.core import signing
from django.db import transaction

from accounts import audit
from accounts.models import Plan, User
from accounts.services.first_admin import administrator_create
from accounts.services.people import FREE_SLUG

LIVES = timedelta(minutes=30)
_signer = signing.TimestampSigner(salt="accounts.setup")


class SetupError(ValueError):
    """The administrator cannot be made; the sentence says why."""


def setup_is_open() -> bool:
    """Say whether the house has no administrator yet, active or not."""
    return not User.objects.filter(is_superuser=True).exists()


def setup_code() -> str:
    """Return a code that opens the page until LIVES has passed, or an administrator exists.

    It is signed and kept nowhere: neither the database nor a backup of it holds anything of it.
    """
    return _signer.sign(secrets.token_urlsafe(6))


def code_is_right(code: str) -> bool:
    """Compare in constant time, and with the clock."""
    try:
        _signer.unsign(code.strip(), max_age=LIVES)
    except signing.BadSignature:
        return False
    return True


@transaction.atomic
def setup_administrator(*, email: str, name: str, password: str, organisation_name: str) -> User:
    """Make the administrator of a house that has none.

    Raises SetupError if there is one by now: of two that come at once the second finds it.
    """
    list(Plan.objects.select_for_update().filter(slug=FREE_SLUG))  # one after the other
    if not setup_is_open():
        raise SetupError("There is an administrator by now.")
    user = administrator_create(
        email=email, name=name, password=password, organisation_name=organisation_name
    )
    audit.record(user, "system.setup", user)
    return user
