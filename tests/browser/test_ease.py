"""U7, U10, U21: large enough, calm if asked, seen in forced colours; the palette and its legend."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import expect

from tests.accounts.factories import UserFactory
from tests.browser.conftest import session_cookie
from tests.browser.story import addresses_of_a_working_day, drawn_result
from tests.browser.test_pages import excess, look, ready

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGES = ("worklist", "upload", "receipt", "run form", "result, heatmap", "models", "exports")
SMALL = """() => [...document.querySelectorAll("a[href], button, input, select, summary, textarea")]
  .filter((one) => one.checkVisibility({visibilityProperty: true, opacityProperty: false}))
  .filter((one) => getComputedStyle(one).display !== "inline") // words in a sentence
  .filter((one) => !one.closest(".vh, .skip") && one.type !== "hidden")
  .map((one) => {
    const parts = [one, ...(one.labels || [])].map((part) => part.getBoundingClientRect());
    const size = (side, from) => Math.max(...parts.map((part) => part[side]),
      Math.max(...parts.map((p) => p[from] + p[side])) - Math.min(...parts.map((p) => p[from])));
    return [one.outerHTML.slice(0, 90), size("width", "x"), size("height", "y")];
  }).filter(([, wide, high]) => high > 0 && (wide < 23.5 || high < 23.5))"""
LOW = """() => [...document.querySelectorAll(".btn.pri")].filter((one) => one.checkVisibility())
  .filter((one) => one.getBoundingClientRect().height < 43.5).map((one) => one.outerHTML)"""
MOVING = """() => [...document.querySelectorAll("*")].filter((one) => {
  const style = getComputedStyle(one), lasts = (words) => words.split(",").some(parseFloat);
  return lasts(style.transitionDuration) || lasts(style.animationDuration)
    && style.animationName !== "none";
}).map((one) => one.outerHTML.slice(0, 90))"""
UNSEEN = """() => [...document.querySelectorAll(".btn, .chip, .sel, input:not([type=hidden])")]
  .filter((one) => one.checkVisibility({opacityProperty: true}) && !one.closest(".vh, .seg"))
  .filter((one) => !one.matches(".vh, [type=range], [type=file], .film .chip"))
  .filter((one) => getComputedStyle(one).borderTopStyle === "none" && one.type !== "checkbox")
  .map((one) => one.outerHTML.slice(0, 120))"""
SHAPES = """() => [...document.querySelectorAll(".chip .i.f")].map((one) => {
  const style = getComputedStyle(one), under = getComputedStyle(one.closest(".chip"));
  return style.fill !== under.backgroundColor && one.getBoundingClientRect().width > 8;
})"""


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def addresses(user, tmp_path, queued):
    found = addresses_of_a_working_day(user, tmp_path)
    return {name: found[name] for name in PAGES}


def test_targets_are_large_enough_and_primary_ones_for_a_finger(visit, user, addresses):
    small = look(visit, user, addresses, lambda page: page.evaluate(SMALL))
    assert small == {}, small
    touch = {"width": 390, "has_touch": True, "is_mobile": True}
    assert look(visit, user, addresses, lambda page: page.evaluate(LOW), **touch) == {}
    page = visit(reverse("account_login"), **touch)
    assert page.evaluate("matchMedia('(pointer: coarse)').matches")
    assert page.evaluate(LOW) == []


def test_twice_as_large_nothing_scrolls_sideways_and_with_less_motion_nothing_moves(
    visit, user, addresses
):
    """A window of 1440 px at 200 % is one of 720."""

    def faults(page) -> list:
        return [excess(page)] * (excess(page) > 0) + page.evaluate(MOVING)

    assert look(visit, user, addresses, faults, width=720, reduced_motion="reduce") == {}


def test_in_forced_colours_controls_have_an_edge_and_severities_their_shape(visit, user, addresses):
    page = visit(addresses["worklist"], user=user, forced_colors="active")
    shapes = page.evaluate(SHAPES)
    assert shapes
    assert all(shapes)
    assert look(visit, user, addresses, lambda one: one.evaluate(UNSEEN), forced_colors="active") \
        == {}  # fmt: skip


def test_red_green_comes_first_and_a_choice_outlives_the_login(visit, user, tmp_path, live_server):
    result = drawn_result(user, tmp_path)
    page = visit(result.get_absolute_url(), user=user)
    ready(page)
    tables = json.loads((Path(settings.BASE_DIR) / "static/luts.json").read_text())
    names = page.locator("#cm option").evaluate_all("all => all.map((one) => one.value)")
    assert page.input_value("#cm") == names[0] == next(iter(tables))
    for name in names:
        page.select_option("#cm", name)
        shown = page.evaluate(
            "() => { const seen = new OffscreenCanvas(1, 256).getContext('2d',"
            "{willReadFrequently: true});"
            "seen.drawImage(document.querySelector('[data-legend]'), 0, 0);"
            "return [...seen.getImageData(0, 0, 1, 256).data]; }"
        )
        colours = [shown[at : at + 3] for at in range(0, 1024, 4)][::-1]
        assert bytes(part for colour in colours for part in colour) == b64decode(tables[name])
    page.context.clear_cookies()
    page.context.add_cookies([session_cookie(user, live_server.url)])
    page.goto(live_server.url + result.get_absolute_url())
    ready(page)
    expect(page.locator("#cm")).to_have_value(names[-1])
