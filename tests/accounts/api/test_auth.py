"""The requirement's own endpoints: register, token, refresh, and the second factor by API."""

from __future__ import annotations

import json
from base64 import b32decode
from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils.timezone import now
from django_otp.oath import TOTP

from accounts.models import AuditEvent, TokenFamily, User
from tests.accounts.api.calls import bearer, me, pair_of, sign_in
from tests.accounts.factories import PASSWORD, UserFactory, code_at, enrol

pytestmark = pytest.mark.django_db
SETUP, VERIFY = "plain:auth-setup-2fa", "plain:auth-setup-2fa-verify"


@pytest.fixture
def post(client):
    def send(route, status, headers=None, **body):
        answer = client.post(
            reverse(route), json.dumps(body), headers=headers, content_type="application/json"
        )
        assert answer.status_code == status, answer.content
        return answer

    return send


def shown_by_app(secret: str) -> str:
    return f"{TOTP(b32decode(secret)).token():06d}"


# --- register


def test_a_new_and_a_known_address_are_answered_alike(post):
    known = UserFactory()
    fresh = post("plain:auth-register", 202, email="new@example.org", password=PASSWORD)
    again = post("plain:auth-register", 202, email=known.email, password=PASSWORD)
    assert fresh.json() == again.json()
    assert not fresh.cookies
    user = User.objects.get(email="new@example.org")
    assert user.check_password(PASSWORD)
    assert user.memberships.values("organisation").distinct().count() == 1
    assert [letter.to for letter in mail.outbox] == [[known.email]]


def test_an_address_that_is_not_confirmed_gets_no_token(client, post):
    post("plain:auth-register", 202, email="new@example.org", password=PASSWORD, name="Kim")
    answer = sign_in(client, User.objects.get(email="new@example.org"))
    assert answer.json()["code"] == "email_unverified"


@pytest.mark.parametrize(
    ("changes", "field"), [({"password": "short"}, "password"), ({"email": "x"}, "email")]
)
def test_what_is_wrong_is_named_as_it_was_sent(post, changes, field):
    body = {"email": "new@example.org", "password": PASSWORD} | changes
    refused = post("plain:auth-register", 400, **body).json()
    assert {one["field"] for one in refused["errors"]} == {field}
    assert not User.objects.exists()


# --- token


def test_the_short_addresses_answer_as_the_long_ones(client, post):
    user = UserFactory()
    pair = post("plain:auth-token", 200, email=user.email, password=PASSWORD).json()
    assert me(client, pair["access"]).status_code == 200
    newer = post("plain:auth-token-refresh", 200, refresh=pair["refresh"]).json()
    assert me(client, newer["access"]).status_code == 200
    post("plain:auth-token-refresh", 401, refresh=pair["refresh"])


# --- second factor


def test_a_factor_is_offered_then_taken_with_its_first_code(client, post):
    user = UserFactory()
    access = pair_of(client, user)["access"]
    offer = post(SETUP, 200, bearer(access)).json()
    assert offer["uri"].startswith("otpauth://totp/")
    assert "<svg" in offer["qr_svg"]
    assert not user.authenticator_set.exists()
    code = shown_by_app(offer["secret"])
    taken = post(VERIFY, 200, bearer(access), setup=offer["setup"], code=code).json()
    assert len(taken["recovery_codes"]) == 10
    assert me(client, access).status_code == 401  # every earlier token ends
    assert sign_in(client, user).json()["code"] == "otp_required"
    assert sign_in(client, user, otp=code).json()["code"] == "otp_invalid"  # spent by the setup
    assert sign_in(client, user, otp=taken["recovery_codes"][0]).status_code == 200
    assert AuditEvent.objects.filter(action="factor.add").count() == 1


def test_who_gets_no_token_without_a_factor_shows_the_password(client, post, settings):
    settings.SECOND_FACTOR = "always"
    user = UserFactory()
    assert sign_in(client, user).json()["code"] == "factor_required"
    who = {"email": user.email, "password": PASSWORD}
    offer = post(SETUP, 200, **who).json()
    code = shown_by_app(offer["secret"])
    taken = post(VERIFY, 200, **who, setup=offer["setup"], code=code).json()
    assert sign_in(client, user, otp=taken["recovery_codes"][0]).status_code == 200


def test_a_password_is_no_way_past_a_factor(post):
    user = UserFactory()
    enrol(user)
    who = {"email": user.email, "password": PASSWORD}
    assert post(SETUP, 409, **who).json()["code"] == "factor_exists"
    assert post(SETUP, 401, **who | {"password": "wrong"}).json()["code"] == "invalid_credentials"
    assert post(SETUP, 401).json()["code"] == "not_authenticated"


def test_tries_at_the_password_are_counted_here_too(client, post):
    user = UserFactory()
    for _ in range(5):
        post(SETUP, 401, email=user.email, password="wrong")
    answer = post(SETUP, 429, email=user.email, password=PASSWORD)
    assert int(answer["Retry-After"]) > 0
    assert sign_in(client, user).status_code == 429


def test_an_old_sign_in_adds_no_factor(client, post):
    headers = bearer(pair_of(client, UserFactory())["access"])
    TokenFamily.objects.update(created_at=now() - timedelta(minutes=6))
    assert post(SETUP, 403, headers).json()["code"] == "step_up_required"


@pytest.mark.parametrize("code", ["000000", "12345", "abcdef", "\u0660" * 6])
def test_a_wrong_code_stores_nothing(client, post, code):
    user = UserFactory()
    headers = bearer(pair_of(client, user)["access"])
    setup = post(SETUP, 200, headers).json()["setup"]
    assert post(VERIFY, 422, headers, setup=setup, code=code).json()["code"] == "otp_invalid"
    assert not user.authenticator_set.exists()


def test_a_setup_is_ones_own_and_ends_after_ten_minutes(client, post, monkeypatch):
    headers = bearer(pair_of(client, UserFactory())["access"])
    other = bearer(pair_of(client, UserFactory())["access"])
    offer = post(SETUP, 200, headers).json()
    sent = {"setup": offer["setup"], "code": shown_by_app(offer["secret"])}
    assert post(VERIFY, 422, other, **sent).json()["code"] == "setup_expired"
    assert post(VERIFY, 422, headers, setup="x", code="123456").json()["code"] == "setup_expired"
    monkeypatch.setattr("accounts.api.second_factor.GOOD_FOR_S", -1)
    late = post(SETUP, 200, headers).json()["setup"]
    assert post(VERIFY, 422, headers, setup=late, code=code_at()).json()["code"] == "setup_expired"
