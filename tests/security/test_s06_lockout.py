"""S6: guessing is slowed per account and per address, heals by itself, and shuts no owner out."""

from __future__ import annotations

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import AttemptCounter
from tests.accounts.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
START = "2026-03-01T10:00:00Z"


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as clock:
        yield clock


def sign_in(email: str, password: str = "wrong", *, ip: str = "192.0.2.1", client=None):
    client = client or Client()
    form = {"login": email, "password": password}
    return client.post(reverse("account_login"), form, REMOTE_ADDR=ip)


def test_ten_wrong_from_ten_addresses_make_everybody_wait(clock):
    user = UserFactory()
    answers = [sign_in(user.email, ip=f"192.0.2.{number}") for number in range(10)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429] * 5
    assert answers[-1]["Retry-After"] == "30"
    assert "Wait 30 seconds, then try again." in answers[-1].content.decode()
    assert sign_in(user.email, PASSWORD, ip="192.0.2.99").status_code == 429


def test_it_heals_by_itself_within_a_quarter_of_an_hour(clock):
    user = UserFactory()
    for number in range(20):  # as fast as the waits allow, from everywhere
        answer = sign_in(user.email, ip=f"192.0.2.{number}")
        if answer.status_code == 429:
            clock.shift(int(answer["Retry-After"]))
    worst = int(answer["Retry-After"]) if answer.status_code == 429 else 0
    assert worst <= 900
    clock.shift(900)
    assert sign_in(user.email, PASSWORD).status_code == 302
    assert not AttemptCounter.objects.filter(scope="account").exists()


def test_a_device_that_is_known_enters_while_strangers_wait(clock):
    user, own = UserFactory(), Client()
    assert sign_in(user.email, PASSWORD, client=own).status_code == 302
    own.post(reverse("account_logout"))
    for number in range(10):
        sign_in(user.email, ip=f"192.0.2.{number}")
    assert sign_in(user.email, PASSWORD).status_code == 429
    assert sign_in(user.email, PASSWORD, client=own).status_code == 302


def test_the_device_cookie_is_for_the_server_alone(clock):
    user, own = UserFactory(), Client()
    sign_in(user.email, PASSWORD, client=own)
    cookie = own.cookies["device"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert str(user.pk) not in cookie.value


def test_one_address_over_a_hundred_accounts_is_slowed(clock):
    owner = UserFactory()
    statuses = [sign_in(f"person{number}@example.org").status_code for number in range(100)]
    assert statuses == [422] * 10 + [429] * 90
    assert sign_in(owner.email, PASSWORD, ip="192.0.2.2").status_code == 302
    clock.shift(60)
    assert sign_in(owner.email, PASSWORD).status_code == 302


def test_an_address_that_nobody_has_waits_as_long(clock):
    seen = []
    for email in (UserFactory().email, "nobody@example.org"):
        answers = []
        for number in range(9):
            answers.append(sign_in(email, ip=f"192.0.2.{number}"))
            clock.shift(31)
        seen.append([(answer.status_code, answer.get("Retry-After")) for answer in answers])
        clock.shift(3600)
    assert seen[0] == seen[1]
    assert (429, "29") in seen[0]


def test_a_signed_in_persons_guesses_are_counted_with_the_others(clock, client):
    user = UserFactory()
    client.force_login(user)
    for name, field in [
        ("account_reauthenticate", "password"),
        ("account_change_password", "oldpassword"),
    ]:
        answer = client.post(reverse(name), {field: "wrong"})
        assert answer.status_code in (302, 422)
    assert AttemptCounter.objects.get(scope="account").count == 2


def test_letters_for_a_reset_wait_longer_and_longer(clock, mailoutbox):
    user = UserFactory()
    address = reverse("account_reset_password")
    for email in (user.email, "nobody@example.org"):
        statuses = [Client().post(address, {"email": email}).status_code for _ in range(7)]
        assert statuses == [302] * 5 + [429] * 2
        clock.shift(60)
    assert [one.to for one in mailoutbox].count([user.email]) == 5


def test_wrong_reset_codes_are_counted_for_the_address_typed(clock):
    statuses = []
    for number in range(2):
        client = Client(REMOTE_ADDR=f"192.0.2.{number}")
        client.post(reverse("account_reset_password"), {"email": "kim@example.org"})
        code_page = reverse("account_confirm_password_reset_code")
        statuses += [client.post(code_page, {"code": "ZZZZ-ZZZZ"}).status_code for _ in range(4)]
    assert statuses == [422] * 5 + [429] * 3


def test_programs_are_slowed_by_the_same_counts(clock):
    user = UserFactory()
    for number in range(5):
        sign_in(user.email, ip=f"192.0.2.{number}")
    credentials = {"email": user.email, "password": PASSWORD}
    answer = Client().post("/api/v1/token/", credentials, content_type="application/json")
    assert answer.status_code == 429
    assert answer["Retry-After"] == "30"
    assert answer.json()["code"] == "throttled"
