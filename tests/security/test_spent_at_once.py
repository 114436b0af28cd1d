"""S4, S14: what may be spent once is spent once, however many spend it at the same instant."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.factor_table import AllauthDevice
from accounts.models import AuditEvent, TokenFamily
from accounts.services.tokens import tokens_issue
from tests.accounts.api.calls import me, refresh
from tests.accounts.factories import (
    PASSWORD,
    UserFactory,
    code_at,
    enrol,
    recovery_codes,
)
from tests.security.test_sent_twice import AT_ONCE, at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user():
    made = UserFactory()
    enrol(made, recovery=True)
    return made


@pytest.mark.parametrize("kind", ["totp", "recovery_codes"])
def test_a_code_opens_for_one_of_six(user, kind):
    code = code_at() if kind == "totp" else recovery_codes(user)[0]

    def spend(_number: int) -> bool:
        device = AllauthDevice.objects.get(user=user, authenticator__type=kind)
        return device.verify_token(code)

    assert at_once(spend) == {True: 1, False: AT_ONCE - 1}


@pytest.mark.parametrize("kind", ["totp", "recovery_codes"])
def test_one_code_signs_in_one_of_six_browsers(user, kind):
    """Each stands at the second step already, with the password shown."""
    code = code_at() if kind == "totp" else recovery_codes(user)[0]
    waiting = [Client(REMOTE_ADDR=f"10.0.0.{number + 1}") for number in range(AT_ONCE)]
    for client in waiting:
        client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})

    def send(number: int) -> int:
        return waiting[number].post(reverse("mfa_authenticate"), {"code": code}).status_code

    came = at_once(send)
    assert came.pop(302) == 1
    assert set(came) <= {422, 429}
    inside = [one for one in waiting if one.get(reverse("mfa_index")).status_code == 200]
    assert len(inside) == 1


def test_an_old_refresh_sent_six_times_at_once_leaves_a_dead_family(client, user):
    pair = tokens_issue(user=user, second_factor=True)
    came = at_once(lambda _number: refresh(Client(), pair.refresh).status_code)
    assert came[200] <= 1
    assert came == {200: came[200], 401: AT_ONCE - came[200]} or came == {401: AT_ONCE}
    assert TokenFamily.objects.get().revoked_at is not None
    assert AuditEvent.objects.filter(action="token.reuse").exists()
    assert me(client, pair.access).status_code == 401
