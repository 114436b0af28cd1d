"""The page of one's own account: choices hold from page to page, across logins, without scripts."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from accounts.models import User
from accounts.roles import ADMINISTRATOR
from tests.accounts.factories import PASSWORD, UserFactory
from tests.browser.story import drawn_result
from tests.browser.test_pages import faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGE = reverse("account")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light")])
def test_axe_finds_nothing(visit, width, scheme):
    user = UserFactory(role=ADMINISTRATOR)
    page = visit(PAGE, user=user, width=width, color_scheme=scheme)
    assert faults(page) == []
    page.locator("[name=palette]").first.evaluate("one => { one.value = 'rainbow'; }")
    page.locator("[name=palette]").first.check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".errors:focus")).to_contain_text("Colours of the heatmap")
    assert page.title().startswith("Error:")
    assert faults(page) == []


def test_choices_hold_without_javascript(visit, tmp_path):
    user = UserFactory()
    result = drawn_result(user, tmp_path)
    page = visit(PAGE, user=user, java_script_enabled=False, color_scheme="light")
    page.check("[name=theme][value=dark]")
    page.check("[name=palette][value=viridis]")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notices")).to_contain_text("Your choice is kept.")
    assert page.get_attribute("html", "data-theme") == "dark"
    page.goto(page.url.removesuffix(PAGE) + result.get_absolute_url())
    assert page.input_value("#cm") == "viridis"


def test_the_quick_button_and_the_page_say_the_same(visit):
    user = UserFactory()
    page = visit(PAGE, user=user, color_scheme="light")
    expect(page.locator("[name=theme][value=system]")).to_be_checked()
    with page.expect_response("**/account/preference/"):
        page.click("[data-theme-toggle]")
    expect(page.locator("[name=theme][value=dark]")).to_be_checked()
    assert User.objects.get(pk=user.pk).theme == "dark"
    page.reload()
    assert page.get_attribute("html", "data-theme") == "dark"
    page.check("[name=theme][value=system]")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notices")).to_contain_text("Your choice is kept.")
    assert page.get_attribute("html", "data-theme") is None
    assert page.evaluate("localStorage.getItem('theme')") is None


def test_theme_and_palette_persist_across_logins(visit, tmp_path):
    user = UserFactory(theme="dark", palette="magma")
    result = drawn_result(user, tmp_path)
    page = visit("/accounts/login/", color_scheme="light")
    for _ in range(2):
        page.fill("[name=login]", user.email)
        page.fill("[name=password]", PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_url("**/dashboard/")
        assert page.get_attribute("html", "data-theme") == "dark"
        page.goto(page.url.removesuffix("/dashboard/") + result.get_absolute_url())
        expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
        assert page.input_value("#cm") == "magma"
        page.goto(page.url.split("/results/")[0] + "/accounts/logout/")
        page.click("main button[type=submit]")
        page.wait_for_url("**/?left*")
        page.goto(page.url.split("/?")[0] + "/accounts/login/")


def test_keys_that_are_off_do_nothing_until_they_are_on(visit, tmp_path):
    user = UserFactory(shortcuts=False)
    page = visit(drawn_result(user, tmp_path).get_absolute_url(), user=user)
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    mode = "() => window.mediscanViewer.state.mode"
    page.keyboard.press("m")
    assert page.evaluate(mode) == "heat"
    page.locator("[data-help]").first.click()
    with page.expect_response("**/account/preference/"):
        page.check("[data-shortcuts-on]")
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    assert page.evaluate(mode) == "mask"
    assert User.objects.get(pk=user.pk).shortcuts
