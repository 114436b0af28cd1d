"""The one door: what is counted, for whom, and what a known device changes."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import RequestFactory

from accounts.models import AttemptCounter, AuditEvent
from accounts.throttle import (
    TooManyAttempts,
    attempt_check,
    attempt_failed,
    attempt_succeeded,
    attempts_forgive,
    device_remember,
)
from tests.accounts.factories import UserFactory

pytestmark = pytest.mark.django_db


def request_from(ip: str = "192.0.2.1", cookies: str = ""):
    return RequestFactory().post("/", REMOTE_ADDR=ip, HTTP_COOKIE=cookies)


def fail(
    account, *, kind: str = "password", ip: str = "192.0.2.1", times: int = 1, cookies=""
) -> None:
    for _ in range(times):
        attempt_failed(request_from(ip, cookies), kind=kind, account=account)


def is_held(
    account, *, kind: str = "password", ip: str = "198.51.100.7", cookies: str = ""
) -> bool:
    """Say whether somebody from elsewhere would have to wait; nothing is counted for it."""
    here = transaction.savepoint()
    try:
        attempt_check(request_from(ip, cookies), kind=kind, account=account)
    except TooManyAttempts:
        return True
    finally:
        transaction.savepoint_rollback(here)
    return False


def cookie_of(user) -> str:
    response = HttpResponse()
    device_remember(request_from(), response, user)
    return response.cookies.output(attrs=[], header="").strip()


def test_password_and_reauthentication_share_the_count():
    user = UserFactory()
    fail(user, times=3)
    fail(user, kind="reauthenticate", times=2)
    assert is_held(user)
    assert is_held(user, kind="reauthenticate")
    assert not is_held(user, kind="code")


def test_a_right_password_does_not_forgive_wrong_codes():
    user = UserFactory()
    fail(user, kind="code", times=5)
    request = request_from()
    attempt_check(request, kind="password", account=user)
    attempt_succeeded(request, kind="password", account=user)
    assert is_held(user, kind="code")
    assert not is_held(user)


def test_the_address_typed_and_the_person_are_one_account():
    user = UserFactory(email="kim@example.org")
    fail(" Kim@Example.ORG ", times=3)
    fail(user, times=2)
    assert is_held("kim@example.org")


def test_an_address_that_nobody_has_is_held_the_same_way():
    fail("nobody@example.org", times=5)
    assert is_held("nobody@example.org")
    assert not is_held("somebody@example.org")


def test_one_request_is_one_try_even_when_two_parts_ask():
    user, request = UserFactory(), request_from()
    attempt_check(request, kind="password", account=user)
    attempt_check(request, kind="reauthenticate", account=user.email)
    attempt_failed(request, kind="password", account=user)
    assert set(AttemptCounter.objects.values_list("count", flat=True)) == {1}


def test_a_token_call_counts_its_address_once():
    user, request = UserFactory(), request_from()
    attempt_check(request, kind="token", account=user.email)
    attempt_check(request, kind="password", account=user.email)
    attempt_failed(request, kind="password", account=user.email)
    attempt_failed(request, kind="token", account=user.email)
    assert list(AttemptCounter.objects.filter(scope="address").values_list("count")) == [(1,)]


def test_what_nobody_reported_stays_counted():
    user = UserFactory()
    for _ in range(5):
        attempt_check(request_from(), kind="password", account=user)
    assert is_held(user)


def test_success_begins_anew():
    user = UserFactory()
    fail(user, times=4)
    request = request_from()
    attempt_check(request, kind="password", account=user)
    attempt_succeeded(request, kind="password", account=user)
    assert not AttemptCounter.objects.filter(scope="account").exists()
    assert AttemptCounter.objects.get(scope="address").count == 4


def test_one_address_is_slowed_over_many_accounts():
    for number in range(10):
        fail(f"person{number}@example.org")
    assert is_held("another@example.org", ip="192.0.2.1")
    assert not is_held("another@example.org", ip="192.0.2.2")


def test_a_known_device_enters_while_strangers_have_to_wait():
    user = UserFactory()
    fail(user, times=5)
    assert is_held(user)
    assert not is_held(user, cookies=cookie_of(user))


def test_a_known_device_has_a_count_of_its_own():
    user = UserFactory()
    cookies = cookie_of(user)
    fail(user, times=5, cookies=cookies)
    assert is_held(user, cookies=cookies)
    assert not is_held(user)


def test_another_persons_device_is_nobodys():
    user, other = UserFactory(), UserFactory()
    fail(user, times=5)
    assert is_held(user, cookies=cookie_of(other))


def test_a_new_password_makes_devices_unknown():
    user = UserFactory()
    cookies = cookie_of(user)
    user.set_password("quite another passphrase")
    user.save()
    fail(user, times=5)
    assert is_held(user, cookies=cookies)


@pytest.mark.parametrize(
    "forgery", ["x.y.z", "a.b", "", "é.é.é", "~~~", ". .", "x." + "0" * 32 + ".AAAA"]
)
def test_a_forged_device_is_a_stranger(forgery):
    user = UserFactory()
    fail(user, times=5)
    assert is_held(user, cookies=f"device={forgery}")


def test_a_shared_workstation_knows_eight_people():
    users, cookies = [UserFactory() for _ in range(9)], ""
    for user in users:
        response = HttpResponse()
        device_remember(request_from(cookies=cookies), response, user)
        cookies = response.cookies.output(attrs=[], header="").strip()
    for user in users:
        fail(user, times=5, ip=f"192.0.2.{users.index(user) + 1}")
    assert [is_held(user, cookies=cookies) for user in users] == [True] + [False] * 8


def test_the_first_wait_of_a_series_stands_in_the_trail_once():
    user = UserFactory()
    fail(user, times=5)
    events = AuditEvent.objects.filter(action="session.throttle")
    assert [event.target for event in events] == [f"user:{user.pk}"]
    assert not AuditEvent.objects.filter(reason__contains="@").exists()


def test_rows_name_neither_address_nor_account():
    fail("secret.name@example.org")
    text = str(list(AttemptCounter.objects.values()))
    assert "secret" not in text
    assert "192.0.2" not in text


def test_who_answered_the_letter_is_forgiven_passwords_but_not_codes():
    user = UserFactory()
    fail(user, times=5)
    fail(user, kind="code", times=5)
    attempts_forgive(user)
    assert not is_held(user)
    assert is_held(user, kind="code")


@pytest.mark.django_db(transaction=True)
def test_a_try_inside_a_transaction_is_refused():
    """Its count would be gone with a roll-back."""
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        attempt_check(request_from(), kind="password", account="kim@example.org")
