"""A step-up: both factors on one page, within five minutes, and no form is lost by it."""

from __future__ import annotations

import pytest
import time_machine
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path, reverse

from accounts.access import step_up
from accounts.models import AllauthDevice
from mediscan.urls import urlpatterns as house
from tests.accounts.factories import PASSWORD, UserFactory, code_at, enrol, recovery_codes, verify

pytestmark = pytest.mark.django_db
ASKED = "account_reauthenticate"


@step_up
def seal(request):
    return HttpResponse(f"{request.method} {request.POST.get('word', '')}")


urlpatterns = [path("seal/", seal, name="seal"), *house]
with_seal = override_settings(ROOT_URLCONF=__name__)


@pytest.fixture
def user(client):
    user = UserFactory()
    client.force_login(user)
    return user


@with_seal
def test_without_a_proof_it_asks_and_comes_back(client, user):
    answer = client.get("/seal/")
    assert answer.url == f"{reverse(ASKED)}?next=%2Fseal%2F"
    answer = client.post(answer.url, {"password": PASSWORD, "next": "/seal/"})
    assert answer.url == "/seal/"
    assert client.get("/seal/").content == b"GET "


@with_seal
def test_a_post_is_kept_and_sent_on(client, user):
    answer = client.post("/seal/", {"word": "amber"})
    assert answer.url == f"{reverse(ASKED)}?next=%2Fseal%2F"
    answer = client.post(reverse(ASKED), {"password": PASSWORD, "next": "/seal/"})
    assert answer.content == b"POST amber"


@with_seal
def test_a_kept_post_is_ciphertext_in_the_session_row(client, user):
    from django.contrib.sessions.models import Session

    client.post("/seal/", {"word": "amber"})
    assert "amber" not in Session.objects.get(pk=client.session.session_key).session_data


@with_seal
def test_a_wrong_password_proves_nothing(client, user):
    answer = client.post(reverse(ASKED), {"password": "wrong", "next": "/seal/"})
    assert answer.status_code == 422
    assert client.get("/seal/").status_code == 302


@with_seal
def test_whoever_is_enrolled_shows_the_code_too(client, user):
    enrol(user)
    page = client.get(reverse(ASKED)).content.decode()
    assert 'autocomplete="one-time-code"' in page
    assert 'inputmode="numeric"' in page
    for form in ({"password": PASSWORD}, {"password": PASSWORD, "code": ""}, {"code": code_at()}):
        assert client.post(reverse(ASKED), form).status_code == 422
    assert client.get("/seal/").status_code == 302
    answer = client.post(reverse(ASKED), {"password": PASSWORD, "code": code_at()})
    assert answer.status_code == 302
    assert client.get("/seal/").status_code == 200


@with_seal
def test_a_code_beside_a_wrong_password_is_not_spent(client, user):
    enrol(user)
    code = code_at()
    assert client.post(reverse(ASKED), {"password": "no", "code": code}).status_code == 422
    assert client.post(reverse(ASKED), {"password": PASSWORD, "code": code}).status_code == 302


@with_seal
def test_a_recovery_code_is_a_code(client, user):
    enrol(user, recovery=True)
    code = recovery_codes(user)[0]
    client.post(reverse(ASKED), {"password": PASSWORD, "code": code})
    assert client.get("/seal/").status_code == 200
    assert code not in recovery_codes(user)


@pytest.mark.parametrize("name", ["mfa_reauthenticate", "mfa_reauthenticate_webauthn"])
def test_half_a_proof_is_no_way_round(client, user, name):
    enrol(user)
    answer = client.post(reverse(name), {"code": code_at()})
    assert answer.url.startswith(reverse(ASKED))
    assert AllauthDevice.objects.get(user=user).last_step == -1


@with_seal
def test_a_proof_lasts_five_minutes(client):
    with time_machine.travel("2026-11-26T08:00:00Z", tick=False) as clock:
        verify(client, UserFactory())
        clock.shift(299)
        assert client.get("/seal/").status_code == 200
        clock.shift(2)
        assert client.get("/seal/").status_code == 302


@with_seal
def test_a_full_login_is_a_proof(client):
    user = UserFactory()
    form = {"login": user.email, "password": PASSWORD}
    client.post(reverse("account_login"), form)
    assert client.get("/seal/").status_code == 200


def test_a_confirmed_session_is_verified(client, user):
    enrol(user)
    assert not client.get(reverse("analytics:dashboard")).wsgi_request.user.is_verified()
    client.post(reverse(ASKED), {"password": PASSWORD, "code": code_at()})
    assert client.get(reverse("analytics:dashboard")).wsgi_request.user.is_verified()
