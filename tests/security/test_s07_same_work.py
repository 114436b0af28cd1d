"""S7: an address that nobody has costs the same statements and the same hashing as a known one."""

from __future__ import annotations

import base64
import re
import uuid
from collections import Counter

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.hashers import Argon2
from accounts.models import AttemptCounter
from tests.accounts.factories import UserFactory

KINDS = ("existing", "inactive", "unproven", "unknown0")
PASSWORDS = ("login", "token")
STRENGTH = (Argon2.memory_cost, Argon2.time_cost, Argon2.parallelism)
# a request for a reset ends in a letter or none, which the clock evens (EvenTime): of its
# statements those count that look for the address
LOOKING = re.compile(
    r'FROM "(account_emailaddress|accounts_user|accounts_attemptcounter|accounts_vaultkey)"'
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def people():
    """An account of each kind, hashed as in production, and one that only warms up."""
    with override_settings(PASSWORD_HASHERS=["accounts.hashers.Argon2"]):
        UserFactory(email="warmup00@example.org")
        UserFactory(email="existing@example.org")
        UserFactory(email="inactive@example.org", is_active=False)
        UserFactory(email="unproven@example.org").emailaddress_set.update(verified=False)
        yield


@pytest.fixture
def hashings(monkeypatch) -> list[tuple]:
    """The memory and time of each run of Argon2."""
    ran: list[tuple] = []
    encode, verify = Argon2.encode, Argon2.verify

    def counted_encode(self, password, salt):
        ran.append((self.memory_cost, self.time_cost, self.parallelism))
        return encode(self, password, salt)

    def counted_verify(self, password, encoded):
        kept = self.decode(encoded)
        ran.append((kept["memory_cost"], kept["time_cost"], kept["parallelism"]))
        return verify(self, password, encoded)

    monkeypatch.setattr(Argon2, "encode", counted_encode)
    monkeypatch.setattr(Argon2, "verify", counted_verify)
    return ran


def ask(what: str, name: str, cookies: dict[str, str] | None = None) -> Counter:
    """Send what an outsider sends; return the statements it cost, without their values."""
    client, email = Client(REMOTE_ADDR="192.0.2.1"), f"{name}@example.org"
    client.cookies.load(cookies or {})
    with CaptureQueriesContext(connection) as captured:
        if what == "login":
            client.post(reverse("account_login"), {"login": email, "password": "wrong"})
        elif what == "reset":
            client.post(reverse("account_reset_password"), {"email": email})
        else:
            body = {"email": email, "password": "wrong"}
            client.post("/api/v1/token/", body, content_type="application/json")
    AttemptCounter.objects.filter(scope="address").delete()
    shapes = (_shape(query["sql"]) for query in captured)
    return Counter(one for one in shapes if what != "reset" or LOOKING.search(one))


def _shape(sql: str) -> str:
    sql = re.sub(r"X?'(?:[^']|'')*'(::\w+)?|\bNULL\b|\b[0-9a-f]{32}\b", "?", sql)
    return re.sub(r"\d+", "N", sql)


def costs(what: str, cookies: dict[str, str] | None = None) -> dict[str, Counter]:
    ask(what, "warmup00", cookies)  # the vault makes its keys when they are first needed
    return {name: ask(what, name, cookies) for name in KINDS}


def assert_alike(spent: dict[str, Counter]) -> None:
    first = spent["existing"]
    assert first.total() >= 4
    for name, statements in spent.items():
        more, less = statements - first, first - statements
        assert not more, (name, more)
        assert not less, (name, less)


@pytest.mark.parametrize("what", [*PASSWORDS, "reset"])
def test_every_address_costs_the_same_statements(what):
    assert_alike(costs(what))


@pytest.mark.parametrize("what", PASSWORDS)
def test_every_address_costs_one_hashing_of_the_same_strength(hashings, what):
    for name in KINDS:
        hashings.clear()
        ask(what, name)
        assert hashings == [STRENGTH], name


@pytest.mark.parametrize("what", PASSWORDS)
def test_a_refusal_costs_the_same_statements_and_no_hashing(hashings, what):
    for name in ("warmup00", *KINDS):
        ask(what, name)
    AttemptCounter.objects.update(held_until="2099-01-01T00:00:00Z")
    hashings.clear()
    assert_alike(costs(what))
    assert hashings == []


@pytest.mark.parametrize("what", [*PASSWORDS, "reset"])
def test_a_forged_device_costs_the_same_statements(what):
    """Its tokens name keys that have to be looked for, whoever the address belongs to."""
    signature = base64.urlsafe_b64encode(b"0" * 32).decode()
    forged = "~".join(f"device{n}.{uuid.uuid4().hex}.{signature}" for n in range(3))
    with CaptureQueriesContext(connection) as captured:
        assert_alike(costs(what, {"device": forged}))
    searches = [q["sql"] for q in captured if 'FROM "accounts_vaultkey" WHERE' in q["sql"]]
    assert len(searches) >= 3 * len(KINDS)
