"""The first administrator: once, with a password that only the terminal saw."""

from __future__ import annotations

import re
from importlib import import_module
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.core.management import CommandError, call_command

from accounts.models import Organisation, Plan, User
from accounts.roles import ADMINISTRATOR, RADIOLOGIST
from accounts.services.first_admin import random_password
from tests.accounts.factories import UserFactory

pytestmark = pytest.mark.django_db


def create(**options) -> str:
    out = StringIO()
    call_command("create_admin", stdout=out, no_color=True, **options)
    return out.getvalue()


def test_the_first_administrator_can_log_in_and_must_change_the_password():
    printed = create()
    password = re.search(r"password\s+(\S+)", printed)[1]
    user = User.objects.get()
    assert user.check_password(password)
    assert (user.must_change_password, user.is_staff, user.is_superuser) == (True, True, True)
    assert EmailAddress.objects.get(user=user).verified
    assert {one.role for one in user.memberships.all()} == {RADIOLOGIST, ADMINISTRATOR}
    assert Organisation.objects.get().plan == Plan.objects.get(slug="free")


def test_where_somebody_exists_nothing_happens_and_nothing_is_said():
    UserFactory()
    assert create() == ""
    assert User.objects.count() == 1


def test_a_second_call_says_nothing():
    create()
    assert create() == ""


def test_an_odd_address_is_refused():
    with pytest.raises(CommandError, match="no e-mail address"):
        create(email="admin")


def test_passwords_differ_and_pass_our_own_rules():
    from django.contrib.auth.password_validation import validate_password

    passwords = {random_password() for _ in range(50)}
    assert len(passwords) == 50
    for password in passwords:
        validate_password(password)


def test_the_free_plan_is_there_from_the_first_migration():
    migration = import_module("accounts.migrations.0002_free_plan")
    migration.add(apps, None)  # again: a transactional test may have emptied the table
    plan = Plan.objects.get(slug="free")
    assert (plan.runs_per_month, plan.storage_bytes, plan.members) == (200, 5 * 2**30, 5)
