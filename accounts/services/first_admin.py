"""The account that a new installation begins with."""

from __future__ import annotations

import secrets

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.roles import ADMINISTRATOR, RADIOLOGIST
from accounts.services.people import member_add, organisation_create

ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # nothing that is mistaken for another
GROUPS, GROUP = 5, 4


@transaction.atomic
def first_admin_create(*, email: str, organisation_name: str) -> str | None:
    """Make an administrator with an organisation, if nobody exists; return the password.

    The person is radiologist and administrator there, may open the admin, and
    must change the password first. Called again, nothing happens: None.
    """
    if User.objects.exists():
        return None
    password = random_password()
    administrator_create(
        email=email, name="Administrator", password=password,
        organisation_name=organisation_name, must_change_password=True,
    )  # fmt: skip
    return password


def administrator_create(
    *, email: str, name: str, password: str, organisation_name: str, **fields: bool
) -> User:
    """Make the operator: a superuser with a verified address and an organisation of their own.

    In the caller's transaction.
    """
    user = User.objects.create_superuser(email, password, name=name, **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    organisation = organisation_create(name=organisation_name, by=user)
    for role in (RADIOLOGIST, ADMINISTRATOR):
        member_add(user=user, organisation=organisation, role=role, by=user)
    audit.record(user, "user.create", user, organisation=organisation)
    return user


def random_password() -> str:
    """Return 20 random letters and digits in groups of four: 99 bits."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))
    return "-".join(groups)
