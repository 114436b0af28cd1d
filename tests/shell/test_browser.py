"""The shell in a real browser: themes, menus, focus, small screens, no JavaScript, axe."""

from __future__ import annotations

import json
from pathlib import Path

import axe_playwright_python
import pytest
from django.urls import reverse

from tests.accounts.factories import PASSWORD, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PUBLIC = [
    "home",
    "help",
    "help-shortcuts",
    "account_login",
    "account_signup",
    "account_reset_password",
]
PRIVATE = [
    "analytics:dashboard", "help", "account", "account_email", "account_change_password",
    "account_logout",
]  # fmt: skip


@pytest.fixture
def visit(new_context, live_server):
    """Return a function that opens a page by its URL name and keeps what the console said."""

    def go(name: str, *, user=None, width=1440, **options):
        page = new_context(viewport={"width": width, "height": 844}, **options).new_page()
        page.said = []
        page.on("console", lambda message: page.said.append(message.text))
        if user is not None:
            page.goto(live_server.url + reverse("account_login"))
            page.fill("[name=login]", user.email)
            page.fill("[name=password]", PASSWORD)
            page.click("main button[type=submit]")
            page.wait_for_load_state()
        page.goto(live_server.url + reverse(name))
        return page

    return go


def violations(page) -> list:
    """Run axe past the policy: a debugger may evaluate what a page may not."""
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
    call = f"axe.run(document, {{runOnly: {json.dumps(RULES)}}})"
    call += ".then(r => JSON.stringify(r.violations.map(v => [v.id, v.nodes.map(n => n.html)])))"
    found = session.send(
        "Runtime.evaluate", {"expression": call, "awaitPromise": True, "returnByValue": True}
    )
    return json.loads(found["result"]["value"])


def each_page(visit, live_server, check, **options) -> dict:
    """Return what `check` finds on each page, by name; what finds nothing is left out."""
    found = {}
    for names, user in ((PUBLIC, None), (PRIVATE, UserFactory())):
        page = visit(names[0], user=user, **options)
        for name in names:
            page.goto(live_server.url + reverse(name))
            found[name] = check(page)
        assert page.said == []
    return {name: what for name, what in found.items() if what}


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light")])
def test_axe_finds_nothing_and_the_console_is_silent(visit, live_server, width, scheme):
    assert each_page(visit, live_server, violations, width=width, color_scheme=scheme) == {}


@pytest.mark.parametrize("width", [320, 390])
def test_nothing_is_wider_than_a_small_screen(visit, live_server, width):
    def excess(page):
        return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")

    assert each_page(visit, live_server, excess, width=width) == {}


def test_the_chosen_theme_is_remembered(visit):
    page = visit("home", color_scheme="light")
    assert background(page) == "rgb(244, 246, 249)"
    page.click("[data-theme-toggle]")
    page.reload()
    assert background(page) == "rgb(9, 11, 15)"
    assert page.get_attribute("[data-theme-toggle]", "aria-pressed") == "true"


def test_without_javascript_the_system_chooses_the_theme(visit):
    page = visit("home", color_scheme="dark", java_script_enabled=False)
    assert not page.is_visible("[data-theme-toggle]")
    assert background(page) == "rgb(9, 11, 15)"
    page.emulate_media(color_scheme="light")
    assert background(page) == "rgb(244, 246, 249)"


def test_paper_is_light_whatever_the_theme(visit):
    page = visit("analytics:dashboard", user=UserFactory(), color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert background(page) == "rgb(255, 255, 255)"
    assert not page.is_visible(".side")


def test_the_account_menu_opens_by_key_and_closes_by_escape(visit):
    page = visit("analytics:dashboard", user=UserFactory())
    page.focus(".side .me > summary")
    page.keyboard.press("Enter")
    assert page.is_visible(".side .pop")
    page.keyboard.press("Escape")
    assert not page.is_visible(".side .pop")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_on_a_phone_every_room_is_in_reach(visit):
    page = visit("analytics:dashboard", user=UserFactory(), width=390)
    assert not page.is_visible(".side")
    page.click(".botnav summary")
    assert page.is_visible(f".botnav a[href='{reverse('reports:export-list')}']")
    assert page.is_visible(".botnav button:has-text('Log out')")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_refused_form_puts_the_focus_on_its_summary(visit, scripts):
    page = visit("account_signup", java_script_enabled=scripts)
    page.click("main button[type=submit]")
    page.wait_for_load_state()
    assert page.title().startswith("Error:")
    assert page.locator(".errors:focus").count() == 1


def test_a_password_can_be_shown(visit):
    page = visit("account_login")
    page.fill("[name=password]", "secret words")
    page.click("[data-reveal=id_password]")
    assert page.get_attribute("[name=password]", "type") == "text"


def test_a_person_without_javascript_signs_in_and_out(visit):
    page = visit("analytics:dashboard", user=UserFactory(), java_script_enabled=False)
    assert page.is_visible("h1:has-text('Dashboard')")
    page.click(".side .me > summary")
    page.click(".side button:has-text('Log out')")
    assert page.is_visible("text=You are signed out.")


def test_right_to_left_puts_the_sidebar_on_the_right(visit):
    page = visit("analytics:dashboard", user=UserFactory())
    page.evaluate("document.documentElement.dir = 'rtl'")
    assert page.locator(".side").bounding_box()["x"] > 1000


def background(page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")
