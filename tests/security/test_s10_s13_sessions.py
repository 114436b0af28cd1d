"""S10 to S13: a session's id is renewed, its end is an end, and rights that changed end it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.services.revocation import auth_version_raise
from tests.accounts.factories import PASSWORD, UserFactory, code_at, enrol, verify

pytestmark = pytest.mark.django_db
START = "2026-11-26T08:00:00Z"
PAGE = "analytics:dashboard"


@pytest.fixture
def user():
    return UserFactory(email="kim@example.org")


def sign_in(client, user, *, code: str = "") -> None:
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    if code:
        client.post(reverse("mfa_authenticate"), {"code": code})


def is_inside(client) -> bool:
    return client.get(reverse(PAGE)).status_code == 200


# --- S10: ids


def test_the_id_changes_at_login(client, user):
    client.get(reverse("account_login"))
    client.post(reverse("account_reset_password"), {"email": "nobody@example.org"})
    before = client.session.session_key
    sign_in(client, user)
    assert before
    assert client.session.session_key != before
    assert not Session.objects.filter(pk=before).exists()


def test_a_planted_id_is_never_honoured(client, user):
    client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    sign_in(client, user)
    assert client.session.session_key != "a" * 32
    assert not Session.objects.filter(pk="a" * 32).exists()


@pytest.mark.django_db(transaction=True)
def test_the_id_changes_at_the_factor_and_other_sessions_end(client, user):
    other = Client()
    sign_in(other, user)
    sign_in(client, user)
    before = client.session.session_key
    page = client.get(reverse("mfa_activate_totp"))
    code = code_at(seed=page.context["form"].secret)
    answer = client.post(reverse("mfa_activate_totp"), {"code": code})
    assert answer.url == reverse("mfa_view_recovery_codes")
    assert client.session.session_key != before
    assert is_inside(client)
    assert not is_inside(other)
    assert client.get(reverse(PAGE)).wsgi_request.user.is_verified()
    assert UserSession.objects.get(user=user).session_key == client.session.session_key


def test_the_id_changes_with_the_password(client, user):
    sign_in(client, user)
    before = client.session.session_key
    new = "violet window forest"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    client.post(reverse("account_change_password"), form)
    assert client.session.session_key != before
    assert is_inside(client)
    assert UserSession.objects.filter(session_key=client.session.session_key).exists()


# --- S11: logging out


def test_logging_out_deletes_the_row_and_clears_the_browser(client, user):
    sign_in(client, user)
    old = client.session.session_key
    answer = client.post(reverse("account_logout"))
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert not Session.objects.filter(pk=old).exists()
    assert not UserSession.objects.filter(user=user).exists()
    stolen = Client()
    stolen.cookies[settings.SESSION_COOKIE_NAME] = old
    assert stolen.get(reverse(PAGE)).status_code == 302


def test_only_the_way_out_clears_the_browser(client, user):
    sign_in(client, user)
    assert "Clear-Site-Data" not in client.get(reverse(PAGE)).headers
    assert "Clear-Site-Data" not in Client().get(reverse("account_login")).headers


# --- S12: time


def test_half_an_hour_without_a_hand_ends_it(client, user):
    with time_machine.travel(START, tick=False) as clock:
        sign_in(client, user)
        old = client.session.session_key
        clock.shift(timedelta(minutes=29))
        assert is_inside(client)
        clock.shift(timedelta(minutes=29))
        assert is_inside(client)
        clock.shift(timedelta(minutes=30))
        answer = client.get("/worklist/", follow=True)
        assert answer.redirect_chain[-1][0] == reverse("account_login") + "?next=/worklist/"
        assert "30 minutes without activity" in answer.content.decode()
        assert not Session.objects.filter(pk=old).exists()
        event = AuditEvent.objects.get(action="session.expire")
        assert (event.actor, event.reason) == (user, "idle")


@pytest.mark.parametrize(
    ("address", "headers"),
    [("/runs/", {"HX-Request": "true"}), ("/runs/?poll=1", {})],
    ids=["htmx", "without scripts"],
)
def test_polling_does_not_prolong(client, user, address, headers):
    with time_machine.travel(START, tick=False) as clock:
        sign_in(client, user)
        for _ in range(29):
            clock.shift(timedelta(minutes=1))
            assert client.get(address, headers=headers).status_code == 200
        clock.shift(timedelta(minutes=1))
        assert client.get(address, headers=headers).status_code in (302, 401)


def test_twelve_hours_end_it_whatever_happens(client, user):
    with time_machine.travel(START, tick=False) as clock:
        sign_in(client, user)
        for _ in range(12 * 4 - 1):
            clock.shift(timedelta(minutes=15))
            assert is_inside(client)
        clock.shift(timedelta(minutes=15))
        assert not is_inside(client)
        assert AuditEvent.objects.get(action="session.expire").reason == "age"


def test_a_page_that_fetches_leads_back_to_where_one_was(client):
    page = "http://testserver/worklist/?modality=mri"
    answer = client.get("/runs/", headers={"HX-Request": "true", "HX-Current-URL": page})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == reverse("account_login") + "?next=%2Fworklist%2F"


# --- S13: rights


def test_a_disabled_account_ends_at_the_next_request(client, user):
    sign_in(client, user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert not is_inside(client)


def test_raised_rights_end_every_session_at_the_next_request(client, user):
    other = Client()
    for browser in (client, other):
        sign_in(browser, user)
    assert auth_version_raise(user=user) == 1
    assert not is_inside(client)
    assert not is_inside(other)
    sign_in(client, user)
    assert is_inside(client)


def test_a_session_row_that_survived_is_not_believed(client, user):
    """Restored from a backup, say: the version in it is an old one."""
    sign_in(client, user)
    User.objects.filter(pk=user.pk).update(auth_version=9)
    answer = client.get(reverse(PAGE), follow=True)
    assert "your account was changed" in answer.content.decode()


def test_an_operator_who_disables_or_renames_ends_the_sessions(client, user):
    sign_in(client, user)
    operator = verify(Client(), UserFactory(is_staff=True, is_superuser=True))
    address = reverse("admin:accounts_user_change", args=[user.pk])
    form = {"email": "new@example.org", "name": user.name, "is_active": "on"}
    assert operator.post(address, form).status_code == 302
    assert not is_inside(client)


@pytest.mark.parametrize("verb", ["change", "delete"])
def test_a_role_that_an_operator_changes_or_takes_ends_the_sessions(client, user, verb):
    sign_in(client, user)
    membership = user.memberships.get()
    operator = verify(Client(), UserFactory(is_staff=True, is_superuser=True))
    form = {"user": user.pk, "organisation": membership.organisation_id, "role": "clinician"}
    address = reverse(f"admin:accounts_membership_{verb}", args=[membership.pk])
    answer = operator.post(address, form if verb == "change" else {"post": "yes"})
    assert answer.status_code == 302
    assert not is_inside(client)


def test_a_factor_that_is_removed_ends_the_other_sessions(client, user):
    enrol(user)
    other = Client()
    sign_in(other, user, code=code_at())
    sign_in(client, user, code=code_at(1))
    client.post(reverse("mfa_deactivate_totp"))
    assert is_inside(client)
    assert not is_inside(other)
    assert not client.get(reverse(PAGE)).wsgi_request.user.is_verified()
