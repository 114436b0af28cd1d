"""S18, S19: every answer of every address carries the one policy and stays out of every cache."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from mediscan.policy import CONTENT_SECURITY_POLICY
from tests.accounts.factories import UserFactory, enrol, verify
from tests.browser.story import addresses_of_a_working_day
from tests.security.walk import real_addresses, routes

pytestmark = pytest.mark.django_db
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none';"
    "object-src 'none'"
)
EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store, private",
}


def directives(policy: str) -> set[str]:
    return {one.strip() for one in policy.split(";") if one.strip()}


def policy_of(answer) -> str:
    """Return the one policy, on the two pages of the API with what ADR 19 gives them."""
    path, policy = answer.request["PATH_INFO"], POLICY
    if answer.status_code == 200 and path in ("/docs", "/redoc"):
        policy = policy.replace("img-src 'self'", "img-src 'self' data:")
    if answer.status_code == 200 and path == "/redoc":
        nonce = answer.wsgi_request._csp_nonce
        policy = policy.replace("style-src 'self'", f"style-src 'self' 'nonce-{nonce}'")
    return policy


def faults(answer) -> list[str]:
    wrong = [
        f"{name}: {answer.get(name)}"
        for name, value in EXPECTED.items()
        if answer.get(name) != value
    ]
    if directives(answer.get("Content-Security-Policy", "")) != directives(policy_of(answer)):
        wrong.append(f"policy: {answer.get('Content-Security-Policy')}")
    if "publickey-credentials-get=(self)" not in answer.get("Permissions-Policy", ""):
        wrong.append("Permissions-Policy")
    if answer.get("Content-Security-Policy-Report-Only") != "require-trusted-types-for 'script'":
        wrong.append("trusted types")
    return wrong


@pytest.fixture
def chief():
    user = UserFactory(is_staff=True, is_superuser=True)
    enrol(user)
    return user


def crawl(client: Client, addresses, methods) -> tuple[dict, list[int]]:
    found, statuses = {}, []
    for address in addresses:
        for method in methods:
            answer = client.generic(method, address)
            statuses.append(answer.status_code)
            if wrong := faults(answer):
                found[f"{method} {address} {answer.status_code}"] = wrong
    return found, statuses


def test_every_answer_to_the_anonymous(client):
    found, statuses = crawl(client, [route.address for route in routes()], ["GET", "POST"])
    assert found == {}
    assert len(statuses) > 200


def test_every_answer_to_the_signed_in(chief, tmp_path, queued):
    client = verify(Client(raise_request_exception=False), chief)
    addresses = list(addresses_of_a_working_day(chief, tmp_path).values())
    addresses += real_addresses()
    found, statuses = crawl(client, addresses, ["GET"])
    assert found == {}
    assert {200, 302, 404, 405} <= set(statuses)


def test_ranges_files_and_errors(chief, tmp_path, queued, monkeypatch):
    addresses_of_a_working_day(chief, tmp_path)
    client = verify(Client(raise_request_exception=False), chief)
    files = [one for one in real_addresses() if one.endswith(("/pixels/", "/content/"))]
    ranged = [client.get(address, headers={"range": "bytes=0-9"}) for address in files]
    assert any(answer.status_code == 206 for answer in ranged)
    broken = "imaging.selectors.studies_visible_to"
    assert [wrong for answer in ranged if (wrong := faults(answer))] == []
    monkeypatch.setattr(broken, lambda *a, **k: 1 / 0)
    monkeypatch.setattr("imaging.worklist.studies_visible_to", lambda *a, **k: 1 / 0, raising=False)
    errors = [
        client.get("/nowhere/"),
        client.get("/", headers={"host": "evil.example"}),
        client.get(reverse("imaging:study-list")),
        client.post(reverse("imaging:run-create"), {}),
        Client(enforce_csrf_checks=True).post(reverse("account_login"), {}),
    ]
    assert [answer.status_code for answer in errors[:3]] == [404, 400, 500]
    assert [wrong for answer in errors if (wrong := faults(answer))] == []


def test_the_policy_has_nothing_unsafe_and_is_written_once():
    assert "unsafe" not in str(CONTENT_SECURITY_POLICY)
    assert set(CONTENT_SECURITY_POLICY) == {"DIRECTIVES"}
