"""S4: a code opens once, near its time, in every process; guessing slows; seeds are ciphertext."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.db import connection
from django.utils.timezone import now

from accounts.models import AllauthDevice
from accounts.services.factors import code_verify, has_factor
from tests.accounts.factories import SEED, UserFactory, code_at, enrol, recovery_codes

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 26, 8, 0, 5, tzinfo=UTC)


@pytest.fixture
def user():
    user = UserFactory()
    enrol(user, recovery=True)
    return user


def wrong_code() -> str:
    return next(code for code in ("000000", "111111", "222222", "333333", "444444")
                if code not in {code_at(-1), code_at(), code_at(1)})  # fmt: skip


def test_a_code_opens_once(user):
    code = code_at()
    assert code_verify(user=user, code=code)
    assert not code_verify(user=user, code=code)


def test_the_same_code_is_refused_where_no_cache_remembers_it(user):
    """As another process, or after 31 seconds, when allauth's own memory of it is gone."""
    with time_machine.travel(START, tick=False) as clock:
        code = code_at(1)
        assert code_verify(user=user, code=code)
        cache.clear()
        clock.shift(31)
        assert code_at() == code
        assert not code_verify(user=user, code=code)


@pytest.mark.parametrize(
    ("step", "opens"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_only_a_neighbouring_step_opens(user, step, opens):
    assert code_verify(user=user, code=code_at(step)) is opens


def test_an_older_code_is_refused_after_a_newer_one(user):
    assert code_verify(user=user, code=code_at(1))
    assert not code_verify(user=user, code=code_at())


def test_five_wrong_codes_slow_the_account_and_time_heals_it(user):
    device = AllauthDevice.objects.get(user=user, name="totp")
    for failure in range(5):
        assert not code_verify(user=user, code=wrong_code())
        _wait(device, seconds=2**failure)
    device.refresh_from_db()
    assert device.throttling_failure_count == 5
    AllauthDevice.objects.filter(pk=device.pk).update(throttling_failure_timestamp=now())
    assert not code_verify(user=user, code=code_at()), "right, but too soon"
    _wait(device, seconds=17)
    assert code_verify(user=user, code=code_at())
    device.refresh_from_db()
    assert device.throttling_failure_count == 0


def test_however_many_failures_the_wait_ends_within_fifteen_minutes(user):
    device = AllauthDevice.objects.get(user=user, name="totp")
    for _ in range(14):
        AllauthDevice.objects.filter(pk=device.pk).update(throttling_failure_timestamp=None)
        code_verify(user=user, code=wrong_code())
    device.refresh_from_db()
    waits = device.verify_is_allowed()[1]["locked_until"] - device.throttling_failure_timestamp
    assert timedelta(seconds=500) < waits < timedelta(minutes=15)


def test_another_factors_form_costs_nothing(user):
    for text in ("", "12345", "1234567", "abcdef", "１２３４５６", None):
        assert not code_verify(user=user, code=text)
    assert not AllauthDevice.objects.filter(throttling_failure_count__gt=0).exists()


def test_blanks_that_the_app_shows_are_taken_along(user):
    code = code_at()
    assert code_verify(user=user, code=f" {code[:3]} {code[3:]} ")


def test_a_recovery_code_opens_once(user):
    code = recovery_codes(user)[3]
    assert code_verify(user=user, code=code)
    assert not code_verify(user=user, code=code)
    assert len(recovery_codes(user)) == 9


def test_anothers_code_opens_nothing(user):
    stranger = UserFactory()
    assert not code_verify(user=stranger, code=code_at())
    assert not has_factor(stranger)


def test_recovery_codes_alone_are_no_factor(user):
    Authenticator.objects.filter(user=user, type="totp").delete()
    assert not has_factor(user)


def test_seeds_are_ciphertext_in_the_database(user):
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM mfa_authenticator")
        rows = " ".join(str(row[0]) for row in cursor.fetchall())
    assert SEED not in rows
    assert "5" * 20 not in rows
    assert rows.count("v1.") == 2


def _wait(device: AllauthDevice, *, seconds: int) -> None:
    """Let time pass: move the last failure into the past."""
    AllauthDevice.objects.filter(pk=device.pk).update(
        throttling_failure_timestamp=now() - timedelta(seconds=seconds + 1)
    )
