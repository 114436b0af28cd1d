"""The door of the token call: the code, the counters, and what each refusal says."""

from __future__ import annotations

import pytest

from accounts.models import AuditEvent, TokenFamily
from tests.accounts.api.calls import me, sign_in
from tests.accounts.factories import UserFactory, code_at, enrol, recovery_codes

pytestmark = pytest.mark.django_db


def code_of(answer) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def test_who_has_a_factor_sends_its_code(client):
    user = UserFactory()
    enrol(user)
    assert code_of(sign_in(client, user)) == (401, "otp_required")
    answer = sign_in(client, user, otp=code_at())
    assert answer.status_code == 200
    assert me(client, answer.json()["access"]).json()["second_factor"] is True
    assert TokenFamily.objects.get().second_factor


def test_a_recovery_code_stands_in_once(client):
    user = UserFactory()
    enrol(user, recovery=True)
    code = recovery_codes(user)[0]
    assert sign_in(client, user, otp=code).status_code == 200
    assert code_of(sign_in(client, user, otp=code)) == (401, "otp_invalid")


def test_a_code_opens_once(client):
    user = UserFactory()
    enrol(user)
    code = code_at()
    assert sign_in(client, user, otp=code).status_code == 200
    assert code_of(sign_in(client, user, otp=code)) == (401, "otp_invalid")


@pytest.mark.parametrize("code", ["000000", "abcdef", "١٢٣٤٥٦", "12345", "0" * 16, "\x7f"])
def test_a_wrong_code_is_refused_and_written_down(client, code):
    user = UserFactory()
    enrol(user)
    assert code_of(sign_in(client, user, otp=code)) == (401, "otp_invalid")
    event = AuditEvent.objects.get(action="factor.refuse")
    assert (event.actor, event.outcome) == (user, "refused")
    assert not TokenFamily.objects.exists()


def test_a_right_code_does_not_help_a_wrong_password(client):
    user = UserFactory()
    enrol(user)
    answer = sign_in(client, user, password="wrong wrong wrong", otp=code_at())
    assert code_of(answer) == (401, "invalid_credentials")
    assert sign_in(client, user, otp=code_at()).status_code == 200  # and it was not spent


def test_the_sixth_wrong_password_waits_and_says_how_long(client):
    user = UserFactory()
    for _ in range(5):
        assert sign_in(client, user, password="wrong wrong wrong").status_code == 401
    answer = sign_in(client, user, password="wrong wrong wrong")
    for _ in range(2):
        if answer.status_code == 429:
            break
        answer = sign_in(client, user, password="wrong wrong wrong")
    assert code_of(answer) == (429, "throttled")
    assert int(answer["Retry-After"]) >= 1
    assert answer["Content-Type"] == "application/problem+json"
    assert code_of(sign_in(client, user)) == (429, "throttled")  # the right one waits as well


def test_wrong_codes_wait_as_well(client):
    user = UserFactory()
    enrol(user)
    answers = [sign_in(client, user, otp="000000").status_code for _ in range(7)]
    assert answers[0] == 401
    assert answers[-1] == 429


def test_a_page_and_a_token_count_the_same_password(client):
    user = UserFactory()
    for _ in range(6):
        client.post("/accounts/login/", {"login": user.email, "password": "wrong wrong wrong"})
    assert sign_in(client, user).status_code == 429


def test_signing_in_again_and_again_is_no_guessing(client):
    user = UserFactory()
    assert {sign_in(client, user).status_code for _ in range(12)} == {200}
