"""S1: whatever the address and the method, the anonymous are sent away unless it is public."""

from __future__ import annotations

import pytest
from django.urls import path, reverse

from mediscan import urls
from tests.mediscan.test_guard import PUBLIC
from tests.security.walk import METHODS, routes

pytestmark = pytest.mark.django_db


def refusals(client) -> list[str]:
    """What answers the anonymous otherwise than by sending them away, but is not public."""
    login, wrong = reverse("account_login"), []
    for route in routes():
        if route.name in PUBLIC:
            continue
        for method in METHODS:
            answer = client.generic(method, route.address)
            sent_away = answer.status_code == 302 and answer.url.startswith((login, "/admin/"))
            if not (sent_away or answer.status_code == 401):
                wrong.append(f"{method} {route.name} {route.address}: {answer.status_code}")
    return wrong


def test_every_method_of_every_address_sends_the_anonymous_away(client):
    assert refusals(client) == []


def test_the_admin_sends_on_to_the_one_login(client):
    for route in routes():
        if route.name.startswith("admin:") and route.name not in PUBLIC:
            answer = client.get(route.address, follow=True)
            assert answer.redirect_chain[-1][0].startswith(reverse("account_login")), route


def test_a_view_that_nobody_declared_is_found(client, monkeypatch):
    from django.contrib.auth.decorators import login_not_required
    from django.http import HttpResponse

    open_view = login_not_required(lambda request: HttpResponse("open"))
    monkeypatch.setattr(urls, "urlpatterns", [*urls.urlpatterns, path("leak/", open_view)])
    from django.urls import clear_url_caches

    clear_url_caches()
    try:
        found = refusals(client)
        assert [one.split(":")[0] for one in found] == [f"{m} None /leak/" for m in METHODS]
    finally:
        monkeypatch.undo()
        clear_url_caches()


def test_public_addresses_answer_without_an_error(client):
    for route in routes():
        if route.name in PUBLIC:
            for method in METHODS:
                status = client.generic(method, route.address).status_code
                assert status < 500 or route.name == "readyz", (method, route.name, status)


def test_the_walk_covers_the_house():
    names = {route.name for route in routes()}
    assert len(names) > 100
    assert {"admin:accounts_user_changelist", "api:me", "imaging:result-map"} <= names
    assert names >= PUBLIC - {"account_reset_password_done", "account_reset_password_from_key",
                              "account_reset_password_from_key_done", "account_confirm_email",
                              "account_set_password_after_reset_by_code"}  # fmt: skip
