"""S14: whatever is done to a token, the answer is 401; never a fault, never a way in."""

from __future__ import annotations

import base64
import json
import random
import time
from datetime import timedelta
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.apps import apps
from django.urls import reverse
from django.utils.timezone import now

from accounts.api.views import MeView
from accounts.models import AuditEvent, Notice, TokenFamily, User, VaultKey
from accounts.services.tokens import signing_key_rotate, tokens_issue
from accounts.tokens.jwts import CLAIMS
from accounts.tokens.ring import GRACE, USE, signing_key
from accounts.vault.cipher import derive
from accounts.vault.keys import organisation_key, purpose_key
from tests.accounts.api.calls import bearer, me, pair_of, refresh, revoke
from tests.accounts.factories import OrganisationFactory, UserFactory

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning"),
]


@pytest.fixture
def pair():
    return tokens_issue(user=UserFactory(), second_factor=False)


def claims_of(token: str) -> dict:
    return jwt.decode(token, options={"verify_signature": False})


def header_of(token: str) -> dict:
    return jwt.get_unverified_header(token)


def forged(token: str, *, key=None, algorithm="HS256", headers=None, without=(), **changes) -> str:
    """Sign the claims of `token`, changed, with the house's own key unless another is given."""
    kid, own = signing_key()
    claims = {name: value for name, value in claims_of(token).items() if name not in without}
    return jwt.encode(
        claims | changes,
        own if key is None else key,
        algorithm=algorithm,
        headers={"kid": kid} | (headers or {}),
    )


def refused(client, token: str) -> str:
    """Expect 401 from a page, from the exchange and from the sign-out; return the code."""
    answers = [me(client, token), refresh(client, token), revoke(client, token)]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    return answers[0].json()["code"]


def test_the_forge_of_these_tests_makes_good_tokens(client, pair):
    assert me(client, forged(pair.access)).status_code == 200


# --- the header


def unsigned(token: str, algorithm: str) -> str:
    header = json.dumps({"alg": algorithm, "kid": signing_key()[0], "typ": "JWT"})
    head = base64.urlsafe_b64encode(header.encode()).rstrip(b"=").decode()
    return f"{head}.{token.split('.')[1]}."


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "HS256"])
def test_without_a_signature(client, pair, algorithm):
    assert refused(client, unsigned(pair.access, algorithm)) == "token_invalid"


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_under_the_right_key(client, pair, algorithm):
    assert refused(client, forged(pair.access, algorithm=algorithm)) == "token_invalid"


def test_a_public_key_algorithm(client, pair):
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    assert refused(client, forged(pair.access, key=private, algorithm="RS256")) == "token_invalid"


@pytest.mark.parametrize(
    "kid",
    ["", "0" * 32, uuid4().hex, str(uuid4()), "../../dev/null", "' OR 1=1 --", "x" * 3000, 7],
    ids=["empty", "zero", "unknown", "dashes", "path", "sql", "long", "number"],
)
def test_a_bad_kid(client, pair, kid):
    token = jwt.encode(
        claims_of(pair.access), signing_key()[1], headers={"kid": kid} if kid != 7 else None
    )
    if kid == 7:
        head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":7,"typ":"JWT"}').rstrip(b"=")
        token = f"{head.decode()}.{token.split('.', 1)[1]}"
    answers = [me(client, token), refresh(client, token), revoke(client, token)]
    assert {answer.status_code for answer in answers} <= {400, 401}  # 400: over 4096 letters
    assert answers[0].json()["code"] == "token_invalid"


def test_a_key_of_another_purpose_or_of_an_organisation_signs_no_token(client, pair):
    for other in (purpose_key("audit"), organisation_key(OrganisationFactory().pk)):
        token = forged(pair.access, key=derive(other.signing, USE), headers={"kid": other.kid.hex})
        assert refused(client, token) == "token_invalid"


@pytest.mark.parametrize(
    "extra",
    [{"jku": "https://evil.example/keys"}, {"x5u": "https://evil.example/c"},
     {"jwk": {"kty": "oct"}}, {"crit": ["exp"]}, {"typ": "at+jwt"}],
    ids=lambda extra: next(iter(extra)),
)  # fmt: skip
def test_a_header_that_is_not_ours_to_the_letter(client, pair, extra, monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *_: pytest.fail("it asked the network"))
    assert refused(client, forged(pair.access, headers=extra)) == "token_invalid"


def test_secret_key_signs_no_token(client, pair, settings):
    assert refused(client, forged(pair.access, key=settings.SECRET_KEY)) == "token_invalid"
    assert derive(purpose_key("jwt").signing, USE) not in settings.SECRET_KEY.encode()


# --- the claims


@pytest.mark.parametrize(
    ("claim", "value"),
    [("aud", "another-api"), ("aud", ["another-api"]), ("iss", "https://evil.example")],
)
def test_for_another_audience_or_from_another_issuer(client, pair, claim, value):
    token = forged(pair.access, **{claim: value})
    assert refused(client, token) == "token_invalid"


def test_one_kind_of_token_does_not_stand_for_the_other(client, pair):
    assert me(client, pair.refresh).json()["code"] == "token_invalid"
    assert refresh(client, pair.access).json()["code"] == "token_invalid"
    assert refused(client, forged(pair.access, token_type="sliding")) == "token_invalid"
    assert refused(client, forged(pair.access, without=["token_type"])) == "token_invalid"


@pytest.mark.parametrize("claim", CLAIMS)
def test_without_one_of_its_claims(client, pair, claim):
    assert refused(client, forged(pair.access, without=[claim])) == "token_invalid"


def test_expired(client, pair):
    past = int(time.time()) - 3600
    access = forged(pair.access, exp=past)
    assert me(client, access).json()["code"] == "token_expired"
    assert refresh(client, forged(pair.refresh, exp=past)).json()["code"] == "token_expired"


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_from_the_future(client, pair, claim):
    token = forged(pair.access, **{claim: int(time.time()) + 3600})
    assert refused(client, token) == "token_invalid"


@pytest.mark.parametrize("value", [None, "x", [], {}, -1, 1e300, "1e400"])
@pytest.mark.parametrize("claim", ["exp", "iat", "nbf", "tv", "fam", "sub", "jti"])
def test_a_claim_of_the_wrong_kind(client, pair, claim, value):
    assert me(client, forged(pair.access, **{claim: value})).status_code in (
        (200,) if claim == "jti" and isinstance(value, str) else (401,)
    )


@pytest.mark.parametrize("claim", ["sub", "fam"])
def test_in_the_name_of_another(client, pair, claim):
    other = tokens_issue(user=UserFactory(), second_factor=False)
    token = forged(pair.access, **{claim: claims_of(other.access)[claim]})
    assert refused(client, token) == "token_revoked"
    assert refused(client, forged(pair.access, **{claim: str(uuid4())})) == "token_revoked"


# --- the letters


@pytest.mark.parametrize("seed", range(4))
def test_a_thousand_flipped_bits(rf, pair, seed):
    chance, view = random.Random(seed), MeView.as_view()
    raw = pair.access.encode()
    seen = set()
    for _ in range(250):
        place, bit = chance.randrange(len(raw)), chance.randrange(8)
        changed = bytearray(raw)
        changed[place] ^= 1 << bit
        request = rf.get("/", headers={"Authorization": f"Bearer {changed.decode('latin-1')}"})
        request.request_id = "x"
        seen.add(view(request).status_code)
    assert seen == {401}


def test_the_spare_bits_of_the_last_letter(client, pair):
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = letters.index(pair.access[-1])
    for spare in (1, 2, 3):
        token = pair.access[:-1] + letters[last ^ spare]
        assert me(client, token).status_code == 401


@pytest.mark.parametrize("where", [1, 20, 60, -1])
@pytest.mark.parametrize("what", ["=", "!", " ", "\n", "\x00", ".", "é"])
def test_a_letter_too_many(rf, pair, where, what):
    token = pair.access[:where] + what + pair.access[where:]
    request = rf.get("/", headers={"Authorization": f"Bearer {token}"})
    request.request_id = "x"
    assert MeView.as_view()(request).status_code == 401


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b", "a.b.c.d", "[" * 4000, "W1tbW1tb" * 200 + "." + "x" * 50]
)
def test_what_is_no_token_at_all(client, token):
    assert me(client, token).status_code == 401
    assert refresh(client, token).status_code in (400, 401)


# --- the account, the family, the key


def test_a_deleted_user_is_401_not_500(client, monkeypatch):
    monkeypatch.setattr("accounts.services.tokens.audit.record", lambda *_, **__: None)
    user = UserFactory()
    gone = tokens_issue(user=user, second_factor=False)
    user.delete()
    assert refused(client, gone.access) == "token_revoked"
    assert refresh(client, gone.refresh).json()["code"] == "token_revoked"


def test_an_old_refresh_closes_the_family_with_a_line_in_the_trail(client):
    user = UserFactory()
    first = pair_of(client, user)
    second = refresh(client, first["refresh"]).json()
    assert refresh(client, first["refresh"]).status_code == 401
    event = AuditEvent.objects.get(action="token.reuse")
    assert (event.outcome, event.actor) == ("refused", user)
    assert event.target == f"tokenfamily:{claims_of(first['access'])['fam']}"
    assert event.request_id
    assert Notice.objects.get(to=user).kind == "token_reuse"
    for token in (first["access"], second["access"]):
        assert me(client, token).json()["code"] == "token_revoked"


def test_a_new_key_signs_and_the_old_verifies_until_its_tokens_have_ended(client, pair):
    old = signing_key()[0]
    new = signing_key_rotate()
    assert new != old
    fresh = refresh(client, pair.refresh).json()
    assert header_of(fresh["access"])["kid"] == new
    assert me(client, pair.access).status_code == 200
    assert (
        AuditEvent.objects.get(action="key.rotate").target
        == f"vaultkey:{VaultKey.objects.get(pk=new).pk}"
    )
    VaultKey.objects.filter(pk=old).update(retired_at=now() - GRACE - timedelta(seconds=1))
    assert me(client, pair.access).json()["code"] == "token_invalid"
    assert me(client, fresh["access"]).status_code == 200


def test_a_destroyed_key_verifies_nothing(client, pair):
    old = signing_key()[0]
    signing_key_rotate()
    VaultKey.objects.filter(pk=old).update(wrapped=None, destroyed_at=now())
    assert me(client, pair.access).json()["code"] == "token_invalid"


def test_the_grace_of_a_key_outlasts_every_token_under_it(settings):
    longest = settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]
    assert longest + timedelta(minutes=1) < GRACE


def test_no_token_is_stored(client):
    pair = pair_of(client, UserFactory())
    pair = refresh(client, pair["refresh"]).json()
    parts = [part for token in (pair["access"], pair["refresh"]) for part in token.split(".")[1:]]
    for model in apps.get_models():
        for row in model._default_manager.values_list():
            kept = " ".join(map(str, row))
            assert not [part for part in parts if part in kept], model
    assert TokenFamily.objects.exists()
    assert User.objects.exists()


def test_a_token_of_a_page_of_another_host_is_another_issuers(client, pair, settings):
    settings.PUBLIC_BASE_URL = "https://other.example"
    assert client.get(reverse("api:me"), headers=bearer(pair.access)).status_code == 401
