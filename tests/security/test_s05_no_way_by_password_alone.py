"""S5, the pages: whoever has a factor gets nothing by the password alone, by no way in."""

from __future__ import annotations

import re

import pytest
from django.conf import settings as house
from django.core import mail
from django.urls import reverse

from tests.accounts.factories import PASSWORD, UserFactory, code_at, enrol, recovery_codes

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    user = UserFactory(email="kim@example.org", is_staff=True, is_superuser=True)
    enrol(user, recovery=True)
    return user


def sign_in(client, user, where="", **extra):
    form = {"login": user.email, "password": PASSWORD} | extra
    return client.post(reverse("account_login") + where, form)


def is_inside(client) -> bool:
    return client.get(reverse("analytics:dashboard")).status_code == 200


def test_the_login_page_asks_for_the_code_next(client, user):
    answer = sign_in(client, user)
    assert answer.url == reverse("mfa_authenticate")
    assert not is_inside(client)
    page = client.get(answer.url).content.decode()
    assert 'autocomplete="one-time-code"' in page
    answer = client.post(answer.url, {"code": code_at()})
    assert answer.url == reverse("analytics:dashboard")
    assert is_inside(client)
    assert client.get("/admin/").status_code == 200


def test_a_wrong_code_leaves_it_closed(client, user):
    sign_in(client, user)
    answer = client.post(reverse("mfa_authenticate"), {"code": "12345678"})
    assert answer.status_code == 422
    assert not is_inside(client)


def test_a_recovery_code_opens_once_and_is_a_verified_session(client, user):
    code = recovery_codes(user)[0]
    sign_in(client, user)
    client.post(reverse("mfa_authenticate"), {"code": code})
    assert is_inside(client)
    assert client.get("/admin/").status_code == 200
    client.post(reverse("account_logout"))
    sign_in(client, user)
    assert client.post(reverse("mfa_authenticate"), {"code": code}).status_code == 422


def test_the_admin_has_no_form_and_opens_nothing(client, user):
    answer = client.get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0].startswith(reverse("account_login"))
    form = {"username": user.email, "password": PASSWORD}
    assert client.post("/admin/login/", form).status_code == 302
    assert not is_inside(client)


def test_a_pending_login_opens_no_page_and_leads_on_to_where_one_was(client, user):
    sign_in(client, user, "?next=/worklist/", next="/worklist/")
    for name in ("mfa_index", "account_email", "imaging:run-list"):
        assert client.get(reverse(name)).url.startswith(reverse("account_login"))
    answer = client.post(reverse("mfa_authenticate"), {"code": code_at()})
    assert answer.url == "/worklist/"


def test_a_reset_signs_nobody_in(client, user):
    answer = client.post(reverse("account_reset_password"), {"email": user.email})
    code = re.search(r"^ {4}(\S+)$", mail.outbox[-1].body, re.M)[1]
    answer = client.post(answer.url, {"code": code})
    assert not is_inside(client)
    new = "violet window forest"
    form = {"password1": new, "password2": new, "code": code_at()}
    answer = client.post(answer.url, form)
    assert answer.status_code == 302
    assert not is_inside(client)


def test_signing_in_again_within_a_session_shows_the_factor_again(client, user):
    sign_in(client, user)
    client.post(reverse("mfa_authenticate"), {"code": code_at()})
    client.post(reverse("account_logout"))
    sign_in(client, user)
    assert not is_inside(client)


def test_no_other_door_is_installed():
    """No sign-in by a mailed code or a passkey alone, no headless API, no factor of django-otp."""
    others = ("allauth.headless", "allauth.socialaccount", "allauth.idp", "django_otp.plugins")
    assert [app for app in house.INSTALLED_APPS if app.startswith(others)] == []
    assert not getattr(house, "ACCOUNT_LOGIN_BY_CODE_ENABLED", False)
    assert not house.MFA_PASSKEY_LOGIN_ENABLED
    assert not getattr(house, "MFA_TRUST_ENABLED", False)
