"""S15: on an old proof each dangerous act asks again, and does nothing before the answer."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.urls import reverse

from tests.accounts.factories import UserFactory, enrol, verify

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
