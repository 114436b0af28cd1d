"""manage.py generate_jwt: genkey, generate, decode; exit codes 0, 1 and 2."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import AuditEvent, TokenFamily
from accounts.tokens.jwts import RESERVED
from accounts.tokens.ring import signing_key
from tests.accounts.api.calls import me, pair_of
from tests.accounts.factories import UserFactory

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = StringIO()
    call_command("generate_jwt", *words, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


def refusal(*words: str) -> CommandError:
    with pytest.raises(CommandError) as caught:
        run(*words)
    return caught.value


def test_genkey_prints_the_id_of_the_key_that_signs_now():
    before = signing_key()[0]
    printed = run("genkey")
    assert printed == signing_key()[0] != before
    assert AuditEvent.objects.filter(action="key.rotate").exists()


def test_generate_prints_a_token_that_opens_the_api(client):
    user = UserFactory()
    token = run("generate", "--username", user.email.upper(), "--expiry", "15",
                "--claims", '{"project": "lungs"}')  # fmt: skip
    answer = me(client, token)
    assert (answer.status_code, answer.json()["email"]) == (200, user.email)
    claims = json.loads(run("decode", token))["claims"]
    assert claims["project"] == "lungs"
    assert claims["exp"] - claims["iat"] == 15 * 60
    event = AuditEvent.objects.get(action="token.issue")
    assert (event.actor, event.reason) == (user, "command line")


def test_a_generated_token_can_be_revoked(client):
    token = run("generate", "--username", UserFactory().email)
    TokenFamily.objects.all().delete()
    assert me(client, token).status_code == 401


@pytest.mark.parametrize("claim", sorted(RESERVED))
def test_a_reserved_claim_is_refused_by_name(claim):
    error = refusal("generate", "--username", UserFactory().email, "--claims", f'{{"{claim}": 1}}')
    assert error.returncode == 2
    assert claim in str(error)
    assert not TokenFamily.objects.exists()


@pytest.mark.parametrize("claims", ["[]", "x", '{"a": NaN}', '{"a": "' + "x" * 2100 + '"}'])
def test_claims_that_are_no_small_object_are_wrong_usage(claims):
    error = refusal("generate", "--username", UserFactory().email, "--claims", claims)
    assert (error.returncode, "JSON object" in str(error)) == (2, True)


@pytest.mark.parametrize("minutes", ["0", "-5", "1441"])
def test_a_token_of_days_is_refused_with_the_remedy(minutes):
    error = refusal("generate", "--username", UserFactory().email, "--expiry", minutes)
    assert error.returncode == 2
    assert "/account/api-keys/" in str(error)


def test_an_unknown_or_inactive_person_gets_none():
    assert refusal("generate", "--username", "nobody@example.org").returncode == 2
    assert refusal("generate", "--username", UserFactory(is_active=False).email).returncode == 2


def test_decode_shows_both_kinds_and_their_header(client):
    pair = pair_of(client, UserFactory())
    for kind in ("access", "refresh"):
        shown = json.loads(run("decode", pair[kind]))
        assert shown["valid"] is True
        assert shown["header"] == {"alg": "HS256", "kid": signing_key()[0], "typ": "JWT"}
        assert shown["claims"]["token_type"] == kind


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda token: token[:-3] + "AAA", "signature"),
        (lambda token: "x", "three parts"),
        (lambda token: "e30." + token.split(".", 1)[1], "header"),
    ],
)
def test_decode_says_why_a_token_is_not_valid(client, spoil, why):
    token = pair_of(client, UserFactory())["access"]
    out = StringIO()
    with pytest.raises(CommandError, match=why) as caught:
        call_command("generate_jwt", "decode", spoil(token), stdout=out)
    assert caught.value.returncode == 1
    assert json.loads(out.getvalue())["valid"] is False


def test_decode_says_that_a_token_was_revoked(client):
    token = pair_of(client, UserFactory())["access"]
    TokenFamily.objects.all().delete()
    assert "revoked" in str(refusal("decode", token))
