"""Reading first in a real browser: every bit of the picture under the reader's own window."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image as Picture
from playwright.sync_api import expect

from imaging.models import Impression
from tests.accounts.factories import UserFactory
from tests.browser.story import drawn_result
from tests.browser.test_viewer import SCREEN
from tests.imaging.volumes import NIFTI, SHAPE, volume_result
from tests.shell.test_browser import violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def user():
    return UserFactory(read_first=True)


@pytest.fixture
def result(user, tmp_path):
    return volume_result(user, tmp_path, affine=NIFTI)


def address(result) -> str:
    return reverse("imaging:image-read", args=[result.image_id])


@pytest.fixture
def opened(visit, user, result):
    def go(query: str = "", **options):
        page = visit(address(result) + query, user=user, **options)
        expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
        return page

    return go


def at(page, number: int) -> None:
    expect(page.locator("[data-slice-number]")).to_have_text(str(number))
    page.wait_for_url(f"**slice={number}**")


def server(user, result, **query) -> np.ndarray:
    client = Client()
    client.force_login(user)
    url = reverse("imaging:image-original", args=[result.image_id])
    return np.asarray(Picture.open(io.BytesIO(client.get(url, query).content)).convert("L"))


def test_any_window_on_the_canvas_is_the_servers_to_a_grey_level(opened, user, result):
    page = opened("?slice=3")
    for key, center, width in (("1", 40, 400), ("2", -600, 1500), ("5", 40, 80)):
        page.keyboard.press(key)
        words = f"WW {width}  WL {center}"
        expect(page.locator("[data-hud-window]")).to_have_text(words)
        shown = np.array(page.evaluate(SCREEN), np.uint8).reshape(*SHAPE[1:], 3)[..., 0]
        drawn = server(user, result, slice=3, window=f"{center},{width}")
        assert np.abs(shown.astype(int) - drawn).max() <= 1, words


def test_dragging_sets_window_and_level_and_leafing_keeps_the_words(opened):
    page = opened("?slice=3")
    page.fill("#id_text", "Nothing so far.")
    before = page.inner_text("[data-hud-window]")
    page.hover("canvas.main")
    page.mouse.down()
    page.mouse.move(700, 300, steps=4)
    page.mouse.up()
    expect(page.locator("[data-hud-window]")).not_to_have_text(before)
    page.mouse.wheel(0, 120)
    at(page, 4)
    page.focus("canvas.main")
    page.keyboard.press("PageDown")
    at(page, 6)
    page.locator("#sl").fill("9")
    at(page, 9)
    assert page.input_value("#id_text") == "Nothing so far."


def test_nothing_of_the_result_is_asked_for_before_the_words(visit, user, result):
    page = visit("/dashboard/", user=user)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page.url.removesuffix("/dashboard/") + address(result))
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    page.focus("canvas.main")
    for key in ("ArrowDown", "h", "m", "o", "d", "j", "v", "i"):
        page.keyboard.press(key)
    page.wait_for_load_state("networkidle")
    assert [url for url in asked if "/results/" in url or "/maps/" in url] == []
    assert [url for url in asked if "/slices/" in url]
    assert page.evaluate("window.mediscanViewer.state.mode") == "off"
    page.fill("#id_text", "A mass on the left.")
    page.get_by_role("button", name="Save and see the result").click()
    page.wait_for_url(f"**{result.get_absolute_url()}**")
    assert Impression.objects.get().text == "A mass on the left."


def test_what_is_measured_goes_into_the_readers_own_words(visit, user, tmp_path):
    page = visit(address(drawn_result(user, tmp_path)), user=user)
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    page.keyboard.press("l")
    box = page.locator("canvas.main").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 90, middle[1], steps=4)
    page.mouse.up()
    page.locator("[data-keep-measures]").click()
    assert "Length" in page.input_value("#id_text")


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_sticks_out(opened, width, scheme):
    page = opened(width=width, color_scheme=scheme)
    if shots := os.environ.get("SHOTS"):
        page.screenshot(path=Path(shots) / f"read-{width}-{scheme}.png", full_page=True)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_without_javascript_the_servers_picture_and_the_form_remain(visit, user, result):
    page = visit(address(result), user=user, java_script_enabled=False)
    page.locator("#sl").fill("9")
    page.locator("#wp").select_option(label="Lung")
    page.click("[data-apply]")
    page.wait_for_url("**slice=9**")
    source = page.locator(".flat img").get_attribute("src")
    assert "slice=9" in source
    assert "window=-600,1500" in source
    page.get_by_role("link", name="Next slice").click()
    page.wait_for_url("**slice=10**")
    page.get_by_role("link", name="Sagittal").click()
    page.wait_for_url("**plane=sagittal**")
    page.fill("#id_text", "Seen.")
    page.get_by_role("button", name="Save and see the result").click()
    page.wait_for_url(f"**{result.get_absolute_url()}**")
