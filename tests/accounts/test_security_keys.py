"""A security key is added and asked for; what no key answered is refused in words."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache as counts
from django.test import Client
from django.urls import reverse

from accounts.audit.tables import AuditEvent
from tests.accounts.factories import PASSWORD, UserFactory, verify
from tests.accounts.soft_key import SoftKey

pytestmark = pytest.mark.django_db
ADD, SECOND = "mfa_add_webauthn", "mfa_authenticate"
NONSENSE = (
    "", "x", "null", "1", "-1", "[]", "{}", '"a"', "nan", "1e400", "9" * 5_000, "[" * 100_000,
    '{"a":' * 100_000, '{"id": 1}', '{"id": "AA", "rawId": "AA", "response": {}}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "AA",'
    ' "attestationObject": "AA", "authenticatorData": "AA", "signature": "AA"}}',
    json.dumps({"id": "\ud800", "rawId": "\u0660", "response": []}),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _over_http(settings):
    settings.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True


def options(answer) -> dict:
    return json.loads(json.dumps(answer.context["js_data"]["creation_options"]))


def asked(answer) -> dict:
    return json.loads(json.dumps(answer.context["js_data"]["request_options"]))


@pytest.fixture
def key(client) -> SoftKey:
    """The key of the person who has one; `client` is signed in."""
    user, made = UserFactory(), SoftKey()
    verify(client, user)
    told = made.register(options(client.get(reverse(ADD))))
    answer = client.post(reverse(ADD), {"name": "Blue key", "credential": json.dumps(told)})
    assert answer.status_code == 302
    made.user = user
    return made


def at_the_second_step(user) -> Client:
    client = Client(raise_request_exception=False)
    answer = client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert answer.url.startswith(reverse(SECOND))
    return client


def test_the_key_opens_the_second_step(key):
    client = at_the_second_step(key.user)
    told = key.sign(asked(client.get(reverse(SECOND))))
    answer = client.post(reverse(SECOND), {"credential": json.dumps(told)})
    assert answer.status_code == 302
    assert client.get(reverse("mfa_index")).status_code == 200


@pytest.mark.parametrize("sent", NONSENSE, ids=lambda sent: sent[:24])
def test_nonsense_adds_no_key(sent):
    client = Client(raise_request_exception=False)
    verify(client, UserFactory())
    client.get(reverse(ADD))
    answer = client.post(reverse(ADD), {"name": "Blue key", "credential": sent})
    assert answer.status_code == 422
    assert not Authenticator.objects.filter(type="webauthn").exists()


@pytest.mark.parametrize("sent", NONSENSE, ids=lambda sent: sent[:24])
def test_nonsense_is_no_second_factor_and_is_written_down(key, sent):
    client = at_the_second_step(key.user)
    client.get(reverse(SECOND))
    answer = client.post(reverse(SECOND), {"credential": sent})
    assert answer.status_code == 422
    assert client.get(reverse("mfa_index")).status_code == 302
    refused = AuditEvent.objects.filter(action="factor.refuse", outcome="refused")
    assert refused.count() == (1 if sent.startswith('{"id"') else 0)


def test_no_damaged_answer_of_a_real_key_is_a_fault_or_a_way_in(key):
    chance, wrong, answers, client = random.Random(3), [], Counter(), None
    for damage in damages(chance):
        client = client or at_the_second_step(key.user)
        told = key.sign(asked(client.get(reverse(SECOND))))
        proof = copy.deepcopy((told["rawId"], told["response"]))
        damage(told)
        status = client.post(reverse(SECOND), {"credential": json.dumps(told)}).status_code
        answers[status] += 1
        is_whole = (told.get("rawId"), told.get("response")) == proof  # the rest proves nothing
        if status != 422 and not (status == 302 and is_whole):
            wrong.append(f"{status}: {told!r:.300}")
        client = client if status == 422 else None
        counts.clear()
    assert wrong == []
    assert answers[422] > 70


def damages(chance: random.Random) -> Iterator[Callable[[dict], None]]:
    """Yield what makes one thing wrong in an answer: gone, of another kind, a letter changed."""
    inner = ("clientDataJSON", "authenticatorData", "signature")
    outer = ("id", "rawId", "type", "response", "clientExtensionResults")
    for path in [(one,) for one in outer] + [("response", one) for one in inner]:
        yield lambda told, path=path: _holder(told, path).pop(path[-1])
        for value in (None, 1, [], "", "\u00e9"):
            yield lambda told, path=path, value=value: _holder(told, path).update({path[-1]: value})
    for _ in range(40):
        yield lambda told: _change_a_letter(told["response"], chance.choice(inner), chance)


def _holder(told: dict, path: tuple[str, ...]) -> dict:
    return told if len(path) == 1 else told[path[0]]


def _change_a_letter(held: dict, name: str, chance: random.Random) -> None:
    text = held[name]
    at = chance.randrange(len(text) - 1)  # the last may carry bits of no byte
    held[name] = text[:at] + chance.choice("AZaz09-_".replace(text[at], "")) + text[at + 1 :]
