"""A person enrols, signs in with the app and with a recovery code, with and without JavaScript."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from tests.accounts.factories import PASSWORD, UserFactory, code_at

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def sign_in(page: Page, base: str, email: str, code: str = "") -> None:
    page.goto(base + reverse("account_login"))
    page.fill("[name=login]", email)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    if code:
        assert page.is_visible("h1:has-text('Your second factor')")
        page.fill("[name=code]", code)
        page.click("button:has-text('Sign in')")
    page.wait_for_selector("h1:has-text('Dashboard')")


def log_out(page: Page) -> None:
    page.click(".side .me > summary")
    page.click(".side button:has-text('Log out')")
    page.wait_for_selector("text=You are signed out.")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_enrolling_signing_in_and_recovering(visit, live_server, scripts):
    base, email = live_server.url, UserFactory().email
    page = visit(reverse("account_login"), java_script_enabled=scripts)
    sign_in(page, base, email)
    assert page.is_visible("text=Second factor is not enforced here")
    page.click("text=Set yours up")
    page.click("text=Set up the app")
    assert page.locator(".qr svg path").count() == 1
    seed = page.inner_text(".key").replace(" ", "")
    page.fill("[name=code]", "000000")
    page.click("text=Confirm code")
    assert page.title().startswith("Error:")
    assert page.inner_text(".key").replace(" ", "") == seed
    page.fill("[name=code]", code_at(seed=seed))
    page.click("text=Confirm code")
    codes = page.locator(".codes li").all_inner_texts()
    assert len(codes) == 10
    for words in ("Print", "Copy"):
        assert page.is_visible(f"button:has-text('{words}')") is scripts
    with page.expect_download() as download:
        page.click("text=Download as text")
    assert codes[9] in Path(download.value.path()).read_text()
    page.reload()
    assert page.locator(".codes li").count() == 0
    page.goto(base + reverse("analytics:dashboard"))
    assert not page.is_visible("text=Second factor is not enforced here")
    log_out(page)
    page.go_back()
    page.wait_for_selector("h1:has-text('Sign in')")
    sign_in(page, base, email, code_at(1, seed=seed))
    log_out(page)
    sign_in(page, base, email, codes[0])
    page.goto(base + "/account/sessions/")
    assert page.locator("tbody tr").count() == 1
    assert page.is_visible("text=This one")


def test_a_security_key_signs_in_and_steps_up(visit, live_server, settings):
    """With a key that Chromium plays: it is added, asked for at the login, and at a step-up."""
    settings.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
    base, email = live_server.url, UserFactory().email
    page = visit(reverse("account_login"))
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    key = {"protocol": "ctap2", "transport": "usb", "automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": key})
    sign_in(page, base, email)
    page.goto(base + reverse("mfa_add_webauthn"))
    page.fill("[name=name]", "Blue key")
    page.click("text=Add the key")
    page.wait_for_selector(".codes li")
    log_out(page)
    page.goto(base + reverse("account_login"))
    page.fill("[name=login]", email)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.click("text=Use a security key")
    page.wait_for_selector("h1:has-text('Dashboard')")
    assert not page.is_visible("text=Second factor is not enforced here")
    page.goto(base + reverse("account_reauthenticate") + "?next=/account/sessions/")
    page.fill("[name=password]", PASSWORD)
    page.click("text=Password and security key")
    page.wait_for_selector("h1:has-text('Sessions')")
    page.goto(base + reverse("mfa_list_webauthn"))
    assert page.is_visible("text=Blue key")
