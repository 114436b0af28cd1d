"""S3, S5, S10, S11 by token: no role without its factor, nothing by a password alone, ids anew."""

from __future__ import annotations

import jwt
import pytest

from accounts.models import TokenFamily
from accounts.roles import ROLES
from tests.accounts.api.calls import me, pair_of, refresh, revoke, sign_in
from tests.accounts.factories import UserFactory, code_at, enrol

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", ROLES)
def test_s3_a_role_without_a_factor_gets_no_token_where_one_is_compulsory(client, settings, role):
    settings.SECOND_FACTOR = "always"
    user = UserFactory(role=role)
    answer = sign_in(client, user)
    assert (answer.status_code, answer.json()["code"]) == (403, "factor_required")
    assert not TokenFamily.objects.exists()
    enrol(user)
    assert sign_in(client, user, otp=code_at()).status_code == 200


@pytest.mark.parametrize("setting", ["always", "admin"])
@pytest.mark.parametrize("otp", [None, "", " ", "000000"])
def test_s5_a_password_alone_opens_nothing(client, settings, setting, otp):
    settings.SECOND_FACTOR = setting
    user = UserFactory()
    enrol(user)
    answer = sign_in(client, user, **({} if otp is None else {"otp": otp}))
    assert answer.status_code == 401
    assert answer.json()["code"] in ("otp_required", "otp_invalid")
    assert "access" not in answer.json()
    assert not TokenFamily.objects.exists()
    assert "_auth_user_id" not in client.session


def test_s10_every_exchange_gives_new_ids_within_the_same_family(client):
    first = pair_of(client, UserFactory())
    second = refresh(client, first["refresh"]).json()
    claims = [
        jwt.decode(pair[kind], options={"verify_signature": False})
        for pair in (first, second)
        for kind in ("access", "refresh")
    ]
    assert len({one["jti"] for one in claims}) == 4
    assert len({one["fam"] for one in claims}) == 1
    assert pair_of(client, UserFactory())["refresh"] != second["refresh"]


def test_s11_after_a_sign_out_neither_token_opens_anything(client):
    pair = pair_of(client, UserFactory())
    assert revoke(client, pair["refresh"]).status_code == 204
    assert me(client, pair["access"]).json()["code"] == "token_revoked"
    assert refresh(client, pair["refresh"]).json()["code"] == "token_revoked"
    assert revoke(client, pair["refresh"]).status_code == 401
