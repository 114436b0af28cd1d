"""S7: status, words and headers do not tell whether an address is known; letters wait alike."""

from __future__ import annotations

import random
import re
import statistics
import time

import pytest
import time_machine
from django.test import Client, override_settings
from django.urls import reverse
from scipy.stats import mannwhitneyu

from accounts import even_time
from accounts.models import AttemptCounter
from tests.accounts.factories import UserFactory

NEW = {"name": "Kim", "password1": "teal window forest", "password2": "teal window forest"}
ROUNDS = 200
HASHED = override_settings(PASSWORD_HASHERS=["accounts.hashers.Argon2"])


def ask(what: str, email: str, ip: str = "192.0.2.1"):
    """Send what an outsider sends, with no cookie; return the answer."""
    client = Client(REMOTE_ADDR=ip)
    if what == "login":
        return client.post(reverse("account_login"), {"login": email, "password": "wrong"})
    if what == "reset":
        return client.post(reverse("account_reset_password"), {"email": email})
    if what == "signup":
        return client.post(reverse("account_signup"), NEW | {"email": email})
    body = {"email": email, "password": "wrong"}
    return client.post("/api/v1/token/", body, content_type="application/json")


def masked(answer, email: str) -> tuple:
    """Return status, headers and body without what differs between any two requests."""
    body = answer.content.decode().replace(email, "ADDRESS")
    body = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "CSRF", body)
    body = body.replace(answer.get("X-Request-ID", "-"), "REQUEST")
    headers = {
        k: v for k, v in answer.headers.items() if k not in ("X-Request-ID", "Content-Length")
    }
    return answer.status_code, headers, sorted(answer.cookies), body


@pytest.fixture
def addresses() -> dict[str, str]:
    return made_addresses()


def made_addresses() -> dict[str, str]:
    """One address of each kind, all of one length."""
    UserFactory(email="existing@example.org")
    UserFactory(email="inactive@example.org", is_active=False)
    return {"existing": "existing@example.org", "inactive": "inactive@example.org",
            "unknown": "unknown0@example.org"}  # fmt: skip


@pytest.fixture
def frozen():
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False):
        yield


@pytest.mark.django_db
@pytest.mark.parametrize("what", ["login", "reset", "signup", "token"])
def test_status_headers_and_words_are_the_same(frozen, addresses, what):
    answers = {kind: masked(ask(what, email), email) for kind, email in addresses.items()}
    assert answers["existing"][0] in (302, 401, 422)
    assert answers["existing"] == answers["unknown"] == answers["inactive"]


@pytest.mark.django_db
@pytest.mark.parametrize("what", ["login", "token"])
def test_who_has_to_wait_looks_the_same(frozen, addresses, what):
    seen = []
    for email in addresses.values():
        for number in range(5):
            ask(what, email, f"192.0.{len(seen)}.{number}")
        seen.append(masked(ask(what, email, "198.51.100.1"), email))
    assert seen[0][0] == 429
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize("step_s", [0.5, 1.0])
def test_an_accepted_sign_up_takes_a_whole_step_however_long_its_work_was(monkeypatch, step_s):
    """A known address costs a letter, an unknown one an account and an organisation."""
    slept = []
    monkeypatch.setattr("accounts.even_time.time.sleep", slept.append)
    with override_settings(EVEN_TIME_S=step_s):
        for worked in (0.01, 0.04, 0.3, 1.2):
            even_time._wait_out(worked)
            assert (worked + slept[-1]) / step_s == pytest.approx(
                round((worked + slept[-1]) / step_s)
            )
            assert 0 < slept[-1] <= step_s


@pytest.mark.django_db
@pytest.mark.parametrize(("what", "waits"), [("signup", 1), ("reset", 1), ("login", 0)])
def test_only_what_sends_a_letter_waits(addresses, monkeypatch, what, waits):
    slept = []
    monkeypatch.setattr("accounts.even_time.time.sleep", slept.append)
    with override_settings(EVEN_TIME_S=0.5):
        for email in addresses.values():
            ask(what, email)
    assert len(slept) == waits * len(addresses)


# --- time


def timed(what: str, addresses: dict[str, str], prepare, clock) -> dict[str, list[float]]:
    """Return ROUNDS times of each kind by `clock`, asked in one shuffled row.

    What is computed is measured in time of this process, so that a busy neighbour
    changes nothing; what is waited for by the clock on the wall.
    """
    order = list(addresses) * ROUNDS
    random.Random(7).shuffle(order)
    times: dict[str, list[float]] = {kind: [] for kind in addresses}
    for number, kind in enumerate(order):
        email = prepare(kind, number)
        start = clock()
        ask(what, email)
        times[kind].append(clock() - start)
    return times


def assert_alike(times: dict[str, list[float]]) -> None:
    medians = {kind: statistics.median(some) for kind, some in times.items()}
    assert max(medians.values()) / min(medians.values()) < 1.05, medians
    kinds = list(times)
    for kind in kinds[1:]:
        first = kinds[0]
        p = mannwhitneyu(times[first], times[kind]).pvalue
        print(f"{first}, {kind}: {medians[first]:.4f}, {medians[kind]:.4f} s, p {p:.3f}")
        assert p > 0.01, (kind, p, medians)


@pytest.mark.slow_security
@pytest.mark.django_db(transaction=True)
@HASHED
def test_a_login_takes_as_long_for_each():
    addresses = made_addresses()  # here, where passwords are hashed as in production

    def prepare(kind: str, number: int) -> str:
        AttemptCounter.objects.all().delete()
        return addresses[kind]

    ask("login", addresses["unknown"])  # imports and templates
    assert_alike(timed("login", addresses, prepare, time.process_time))


@pytest.mark.slow_security
@pytest.mark.django_db(transaction=True)
@HASHED
def test_a_refusal_takes_as_long_for_each():
    addresses = made_addresses()
    for email in addresses.values():
        for number in range(10):
            ask("login", email, f"192.0.2.{number}")
    AttemptCounter.objects.filter(scope="address").delete()
    AttemptCounter.objects.update(held_until="2099-01-01T00:00:00Z")
    assert_alike(timed("login", addresses, lambda kind, number: addresses[kind], time.process_time))
