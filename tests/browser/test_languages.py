"""German and right-to-left: nothing is wider than a small screen, and no picture is mirrored."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.accounts.factories import UserFactory
from tests.browser.story import addresses_of_a_working_day
from tests.browser.test_pages import excess, look
from tests.pseudo import RIGHT_TO_LEFT, spoken

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PUBLIC = (
    "home",
    "help",
    "help-shortcuts",
    "account_login",
    "account_signup",
    "account_reset_password",
)
OWN = ("analytics:dashboard", "analytics:overview", "analytics:models", "imaging:patient-find",
       "imaging:upload-create", "accounts:language", "account", "account_email",
       "mfa_index")  # fmt: skip
LANGUAGES = ("de", RIGHT_TO_LEFT)


@pytest.fixture(params=LANGUAGES)
def language(request):
    with spoken(RIGHT_TO_LEFT):
        yield request.param


def test_no_page_scrolls_sideways_on_a_phone(visit, language, tmp_path, queued):
    user = UserFactory(language=language)
    addresses = addresses_of_a_working_day(user, tmp_path) | {one: reverse(one) for one in OWN}
    assert look(visit, user, addresses, excess, width=390) == {}


def test_no_public_page_scrolls_sideways_in_german(visit):
    page = visit("/", width=390, locale="de-DE")
    origin = page.url.rstrip("/")
    wide = {}
    for name in PUBLIC:
        page.goto(origin + reverse(name))
        assert page.get_attribute("html", "lang") == "de"
        wide[name] = excess(page)
    assert set(wide.values()) == {0}, wide


def test_right_to_left_mirrors_the_frame_and_never_the_picture(visit, tmp_path, queued):
    user = UserFactory(language=RIGHT_TO_LEFT)
    addresses = addresses_of_a_working_day(user, tmp_path)
    with spoken(RIGHT_TO_LEFT):
        page = visit(addresses["worklist"], user=user)
        assert page.get_attribute("html", "dir") == "rtl"
        assert page.locator(".side").bounding_box()["x"] > 1000
        page.goto(page.url.removesuffix(addresses["worklist"]) + addresses["result, heatmap"])
        expect(page.locator("html[data-viewer]")).to_be_attached()
        stage = page.locator(".stage").first
        assert stage.evaluate("one => getComputedStyle(one).direction") == "ltr"
        assert stage.evaluate("one => getComputedStyle(one).transform") == "none"
        left, right = (page.locator(f".mk.{side}").first for side in "lr")
        if left.count() and left.is_visible():
            assert left.bounding_box()["x"] < right.bounding_box()["x"]


def test_a_language_is_chosen_without_javascript(visit):
    page = visit("/help/", java_script_enabled=False)
    page.click("text=Deutsch")
    assert page.get_attribute("html", "lang") == "de"
    assert page.url.endswith("/help/")
    page.locator(".langs").get_by_text("English").click()
    assert page.get_attribute("html", "lang") == "en"
