"""S15: on an old proof each dangerous act asks again, and does nothing before the answer."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.urls import reverse

from accounts.models import Department, Membership
from tests.accounts.factories import UserFactory, enrol, verify
from tests.security.walk import routes

pytestmark = pytest.mark.django_db
START = "2026-11-26T08:00:00Z"
ASKED = "account_reauthenticate"
KEYS = ("mfa_remove_webauthn", "mfa_edit_webauthn")
OWN = [
    *(("get", name) for name in ("mfa_activate_totp", "mfa_add_webauthn")),
    *((how, name) for how in ("get", "post") for name in (
        "mfa_deactivate_totp", "mfa_generate_recovery_codes", *KEYS)),
    ("get", "mfa_view_recovery_codes"), ("get", "mfa_download_recovery_codes"),
    ("post", "account_email"),
    ("post", "signin:session-end"), ("post", "signin:program-end"),
    ("post", "signin:session-end-others"),
]  # fmt: skip


@pytest.fixture
def user(client):
    """Somebody whose proof is five minutes and a second old."""
    user = UserFactory()
    with time_machine.travel(START, tick=False) as clock:
        verify(client, user)
        enrol(user, recovery=True)
        clock.shift(timedelta(minutes=5, seconds=1))
        yield user


@pytest.mark.parametrize(("how", "name"), OWN)
def test_it_asks_again(client, user, how, name):
    if name == "mfa_activate_totp":
        Authenticator.objects.filter(user=user, type="totp").delete()
    ids = {"signin:session-end": [1], "signin:program-end": [uuid4()]} | {key: [1] for key in KEYS}
    address = reverse(name, args=ids.get(name, []))
    form = {"action_add": "", "email": "eve@example.org"} if how == "post" else {}
    answer = getattr(client, how)(address, form)
    assert answer.status_code == 302
    assert answer.url.startswith(reverse(ASKED))
    left = 1 if name == "mfa_activate_totp" else 2
    assert Authenticator.objects.filter(user=user).count() == left
    assert not EmailAddress.objects.filter(email="eve@example.org").exists()


def test_the_old_password_stands_for_the_proof_where_a_new_one_is_chosen(client, user):
    new = "violet window forest"
    form = {"oldpassword": "not mine at all", "password1": new, "password2": new}
    assert client.post(reverse("account_change_password"), form).status_code == 422


@pytest.fixture
def operator(client, user):
    user.is_staff = user.is_superuser = True
    user.save()
    return user


def test_whatever_is_sent_to_the_admin_asks_again(client, operator):
    sent = [route for route in routes() if route.name.startswith("admin:")]
    assert len(sent) > 60
    before = Membership.objects.count()
    for route in sent:
        if route.name in ("admin:login", "admin:logout"):  # doors: the one leads to the house's own
            continue
        answer = client.post(route.address, {"post": "yes"})
        asked = answer.status_code == 302 and answer.url.startswith(reverse(ASKED))
        assert asked or answer.status_code == 404, (route.name, answer.status_code)
    assert Membership.objects.count() == before
    assert client.get(reverse("admin:index")).status_code == 200


def test_a_role_is_given_in_the_admin_after_the_proof_and_not_before(client, operator):
    address = reverse("admin:accounts_department_add")
    house = operator.memberships.get().organisation
    form = {"organisation": str(house.pk), "name": "Ward 7"}
    assert client.post(address, form).url.startswith(reverse(ASKED))
    assert not Department.objects.filter(name="Ward 7").exists()
    verify(client, operator)
    assert client.post(address, form).status_code == 302
    assert Department.objects.filter(name="Ward 7").exists()


def test_leaving_the_admin_asks_nothing(client, operator):
    assert client.post(reverse("admin:logout")).status_code in (200, 302)
    assert "_auth_user_id" not in client.session
