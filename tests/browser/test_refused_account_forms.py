"""U5, U9: forms of accounts and of the admin, sent wrong, before and after signing in."""

from __future__ import annotations

import re
import time
from importlib import import_module

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core import mail
from django.urls import reverse

from accounts import proof
from mediscan.routes import routes
from tests.accounts.factories import PASSWORD, StrangerFactory, UserFactory, enrol
from tests.browser.conftest import session_cookie
from tests.browser.refused_forms import A_BUTTON, ADMIN, PAGE, Wrong
from tests.browser.test_refused_forms import refused

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CALM = {"reduced_motion": "reduce"}
BEFORE = ("account_login", "account_signup", "account_reset_password")
AFTER = ("account_change_password", "account_reauthenticate", "mfa_activate_totp",
         "mfa_add_webauthn")  # fmt: skip
OF_THE_ADMIN = ("accounts_user", "accounts_plan", "accounts_organisation", "imaging_modelversion")
NEVER_REFUSED = {
    **dict.fromkeys(("account_logout", "mfa_deactivate_totp", "mfa_generate_recovery_codes",
                     "mfa_remove_webauthn"), A_BUTTON),
    "mfa_reauthenticate_webauthn": "its script sends what the key says; the words stand beside it",
    "accounts:language": "one choice of those that there are",
}  # fmt: skip
ELSEWHERE = {"account_email"}  # in refused_forms.py
MIDWAY = {
    "accounts:setup", "account_email_verification_sent", "account_confirm_password_reset_code",
    "account_complete_password_reset", "mfa_authenticate", "account_set_password",
    "mfa_edit_webauthn",
}  # fmt: skip
WITHOUT_A_FORM = {
    "account_inactive", "account_password_reset_completed", "account_confirm_login_code",
    "mfa_index", "mfa_view_recovery_codes", "mfa_download_recovery_codes", "mfa_list_webauthn",
    "mfa_reauthenticate",
}  # fmt: skip


def test_every_page_of_accounts_is_here():
    theirs = {one.name for one in routes() if one.name.startswith(("account_", "mfa_"))}
    sent = {*BEFORE, *AFTER, *MIDWAY, *ELSEWHERE}
    assert theirs | {"accounts:setup", "accounts:language"} \
        == sent | NEVER_REFUSED.keys() | WITHOUT_A_FORM  # fmt: skip


def path(page) -> str:
    return page.evaluate("location.pathname")


def wrong(page, says: str = PAGE, **typed) -> list:
    return refused(page, Wrong(says=says, typed=typed), path(page))


def found_nothing(found: dict) -> bool:
    assert {name: what for name, what in found.items() if what} == {}
    return True


def test_before_anybody_is_signed_in(visit):
    found = {"accounts:setup": wrong(visit(reverse("accounts:setup"), **CALM))}
    user = UserFactory()
    for name in BEFORE:
        found[name] = wrong(visit(reverse(name), **CALM))
    page = visit(reverse("account_signup"), **CALM)
    page.fill("#id_email", "new@example.org")
    page.fill("#id_password1", "violet window forest")
    page.fill("#id_password2", "violet window forest")
    page.click("main button[type=submit]")
    page.wait_for_url("**/confirm-email/**")
    found["account_email_verification_sent"] = wrong(page, code="")
    page = visit(reverse("account_reset_password"), **CALM)
    page.fill("#id_email", user.email)
    page.click("main button[type=submit]")
    page.wait_for_url("**/password/reset/confirm/**")
    found["account_confirm_password_reset_code"] = wrong(page, code="")
    page.fill("#id_code", re.search(r"^ {4}(\S+)$", mail.outbox[-1].body,
                                    re.MULTILINE)[1])  # fmt: skip
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "confirm" not in url)
    found["account_complete_password_reset"] = wrong(page)
    assert found_nothing(found)


def test_at_the_second_factor(visit):
    user = UserFactory()
    enrol(user)
    page = visit(reverse("account_login"), **CALM)
    page.fill("[name=login]", user.email)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"**{reverse('mfa_authenticate')}")
    assert found_nothing({"mfa_authenticate": wrong(page, code="000")})


def test_with_an_account_of_ones_own(browser, live_server):
    url, user, wordless, keyed = live_server.url, *(UserFactory() for _ in range(3))
    wordless.set_unusable_password()
    wordless.save()
    key = Authenticator.objects.create(user=keyed, type="webauthn", data={"name": "Key"})
    pages = {name: (_fresh(user, url), reverse(name)) for name in AFTER} | {
        "account_set_password": (_fresh(wordless, url), reverse("account_set_password")),
        "mfa_edit_webauthn": (
            session_cookie(keyed, url, verified=True), reverse("mfa_edit_webauthn", args=[key.pk])
        ),
    }  # fmt: skip
    assert found_nothing(sent_wrong(browser, url, pages, PAGE))


def test_in_the_admin(browser, live_server):
    operator = StrangerFactory(is_staff=True, is_superuser=True)
    cookie = session_cookie(operator, live_server.url, verified=True)
    pages = {name: (cookie, reverse(f"admin:{name}_add")) for name in OF_THE_ADMIN}
    assert found_nothing(sent_wrong(browser, live_server.url, pages, ADMIN))


def sent_wrong(browser, url: str, pages: dict[str, tuple[dict, str]], says: str) -> dict:
    """Open each page with its cookie and send its form empty; return what is amiss by name."""
    found = {}
    for name, (cookie, address) in pages.items():
        context = browser.new_context(viewport={"width": 1440, "height": 900}, **CALM)
        context.add_cookies([cookie])
        page = context.new_page()
        page.goto(url + address)
        found[name] = wrong(page, says) if path(page) == address else [f"sent on to {page.url}"]
        context.close()
    return found


def _fresh(user, url: str) -> dict[str, str]:
    """A session of somebody whose password was asked for just now."""
    made = session_cookie(user, url)
    session = import_module(settings.SESSION_ENGINE).SessionStore(made["value"])
    session[proof.SESSION_KEY] = {proof.PASSWORD: time.time()}
    session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
    session.save()
    return made
