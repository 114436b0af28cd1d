"""S9: a forgotten password: who may replace it, with what, how long, and what ends with it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.services.revocation import auth_version_raise
from tests.accounts.factories import PASSWORD, UserFactory, code_at, enrol, recovery_codes

pytestmark = pytest.mark.django_db
NEW = "violet window forest"
ASK, TYPE = "account_reset_password", "account_confirm_password_reset_code"
CHOOSE = "account_complete_password_reset"


@pytest.fixture
def user():
    user = UserFactory(email="kim@example.org")
    enrol(user, recovery=True)
    return user


def mailed_code() -> str:
    return re.search(r"^ {4}(\S+)$", mail.outbox[-1].body, re.M)[1]


def ask(client, user) -> str:
    client.post(reverse(ASK), {"email": user.email})
    return mailed_code()


def opened(client, user):
    return client.post(reverse(TYPE), {"code": ask(client, user)})


def choose(client, **more):
    return client.post(reverse(CHOOSE), {"password1": NEW, "password2": NEW} | more)


def has_new_password(user) -> bool:
    return User.objects.get(pk=user.pk).check_password(NEW)


def test_code_and_factor_together_replace_it_and_end_everything(client, user):
    browser, version = Client(), user.auth_version
    browser.force_login(user)
    opened(client, user)
    assert 'autocomplete="one-time-code"' in client.get(reverse(CHOOSE)).content.decode()
    letters = len(mail.outbox)
    assert choose(client, code=code_at()).status_code == 302
    assert has_new_password(user)
    assert browser.get(reverse("analytics:dashboard")).status_code == 302
    assert client.get(reverse("analytics:dashboard")).status_code == 302
    assert User.objects.get(pk=user.pk).auth_version > version
    assert len(mail.outbox) == letters + 1
    assert AuditEvent.objects.filter(action="password.change").exists()


def test_a_recovery_code_closes_it_too(client, user):
    opened(client, user)
    choose(client, code=recovery_codes(user)[0])
    assert has_new_password(user)


@pytest.mark.parametrize("more", [{}, {"code": ""}, {"code": "12345678"}])
def test_without_the_factor_it_is_refused(client, user, more):
    opened(client, user)
    assert choose(client, **more).status_code == 422
    assert not has_new_password(user)


def test_a_weak_password_spends_no_code(client, user):
    opened(client, user)
    code = code_at()
    assert choose(client, password1="short", password2="short", code=code).status_code == 422
    assert choose(client, code=code).status_code == 302


def test_the_code_is_eight_letters_of_twenty(client, user):
    """2.6e10 of them, for ten minutes and five tries."""
    assert re.fullmatch("[BCDFGHJKLMNPQRSTVWXZ]{8}", ask(client, user).replace("-", ""))


def test_the_code_opens_once(client, user):
    code = ask(client, user)
    client.post(reverse(TYPE), {"code": code})
    choose(client, code=code_at())
    assert client.post(reverse(TYPE), {"code": code}).url == reverse("account_login")
    assert choose(client, code=code_at(1)).url == reverse(ASK)


def test_after_ten_minutes_it_opens_nothing(client, user):
    with time_machine.travel("2026-11-26T08:00:00Z", tick=False) as clock:
        code = ask(client, user)
        clock.shift(timedelta(minutes=10, seconds=1))
        client.post(reverse(TYPE), {"code": code})
        assert choose(client, code=code_at()).url == reverse(ASK)


def test_the_sixth_try_comes_too_late(client, user):
    code = ask(client, user)
    for _ in range(5):
        client.post(reverse(TYPE), {"code": "ZZZZ-ZZZZ"})
    client.post(reverse(TYPE), {"code": code})
    assert choose(client, code=code_at()).status_code == 302
    assert not has_new_password(user)


def test_it_opens_only_in_the_browser_that_asked(client, user):
    code = ask(client, user)
    other = Client()
    assert other.post(reverse(TYPE), {"code": code}).status_code == 302
    assert choose(other, code=code_at()).url == reverse(ASK)


def test_a_changed_account_makes_it_worthless(client, user):
    """An old letter must not undo what its owner has done since."""
    opened(client, user)
    auth_version_raise(user=user)
    answer = choose(client, code=code_at())
    assert answer.status_code == 422
    assert "Ask for a new code" in answer.content.decode()
    assert not has_new_password(user)


def test_the_mailed_code_is_ciphertext_at_rest(client, user):
    code = ask(client, user).replace("-", "")
    rows = Session.objects.values_list("session_data", flat=True)
    assert rows
    assert not any(code.lower() in row.lower() for row in rows)


def test_a_hostile_host_is_refused(client, user):
    answer = client.post(reverse(ASK), {"email": user.email}, headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert mail.outbox == []


def test_without_a_factor_the_letter_suffices(client):
    user = UserFactory(email="lee@example.org")
    opened(client, user)
    choose(client)
    assert has_new_password(user)
    assert not User.objects.get(pk=user.pk).check_password(PASSWORD)
