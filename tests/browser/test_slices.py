"""Leafing through a volume in a real browser: keys, wheel, bar, planes, and every pixel."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image as Picture
from playwright.sync_api import expect
from pypdf import PdfReader

from accounts.vault.storage import blob_open
from imaging.display import image_planes
from imaging.planes import slice_of
from tests.accounts.factories import UserFactory
from tests.browser.test_viewer import SCREEN, choose, slide
from tests.imaging.volumes import NIFTI, SHAPE, volume_result
from tests.shell.test_browser import violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SHOWN = "window.mediscanViewer.slices.shown"


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def result(user, tmp_path):
    return volume_result(user, tmp_path, affine=NIFTI)


@pytest.fixture
def opened(visit, user, result):
    def go(query: str = "", **options):
        page = visit(result.get_absolute_url() + query, user=user, **options)
        expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
        return page

    return go


def at(page, number: int) -> None:
    """Wait until slice `number`, counted from 1, is the one that is drawn."""
    expect(page.locator(".slicing [data-slice-number]")).to_have_text(str(number))
    expect(page).to_have_url(page_at(number))


def page_at(number: int) -> re.Pattern[str]:
    return re.compile(rf"[?&]slice={number}(&|$)")


def screen(page, shape) -> np.ndarray:
    return np.array(page.evaluate(SCREEN), np.uint8).reshape(*shape, 3)


def layer(user, result, name: str, **query) -> np.ndarray:
    client = Client()
    client.force_login(user)
    address = reverse("imaging:result-layer", args=[result.pk, name])
    return np.asarray(Picture.open(io.BytesIO(client.get(address, query).content)).convert("RGB"))


def levels(result, plane: str, number: int) -> np.ndarray:
    data = blob_open(result.maps.get(name="ensemble").blob).read()
    array = np.frombuffer(data, np.uint8).reshape(SHAPE)
    return slice_of(array, image_planes(result.image)[plane], number - 1)


def test_every_slice_on_the_canvas_is_the_servers_to_the_pixel(opened, user, result):
    page = opened("?mode=mask&window=0,2000&slice=1")
    for number in (1, 4, 9):
        page.locator("#sl").fill(str(number))
        at(page, number)
        choose(page, "mask")
        for threshold in (0.05, 0.5, 0.95):
            slide(page, threshold)
            mask = layer(user, result, "mask", t=threshold, slice=number)[..., 0] > 0
            assert np.array_equal(screen(page, SHAPE[1:])[..., 0] > 127, mask), (number, threshold)
        choose(page, "off")
        shown = screen(page, SHAPE[1:]).astype(int)
        original = layer(user, result, "original", window="0,2000", slice=number).astype(int)
        assert np.abs(shown - original).max() <= 1, number
        choose(page, "heat")
        page.locator("#op").fill("100")
        slide(page, 0.5)


@pytest.mark.parametrize("plane", ["coronal", "sagittal"])
def test_other_planes_draw_their_own_mask_and_keep_the_shape_of_the_body(
    opened, result, user, plane
):
    page = opened(f"?mode=mask&plane={plane}")
    number = int(page.input_value("#sl"))
    wanted = levels(result, plane, number) >= 128
    assert wanted.any()
    assert np.array_equal(screen(page, wanted.shape)[..., 0] > 127, wanted)
    stretch = page.evaluate("window.mediscanViewer.stretch")
    assert stretch == pytest.approx([1, 2.5])
    expect(page.locator("[data-scale-text]")).to_have_text("1 cm")


def test_keys_wheel_and_bar_leaf_through_the_stack(opened):
    page = opened("?slice=6")
    at(page, 6)
    for key, number in (("ArrowDown", 7), ("ArrowUp", 6), ("PageDown", 8), ("PageUp", 6),
                        ("End", 12), ("ArrowDown", 12), ("Home", 1)):  # fmt: skip
        page.keyboard.press(key)
        at(page, number)
    page.focus("canvas.main")
    page.keyboard.press("ArrowDown")
    at(page, 2)
    page.hover("canvas.main")
    page.mouse.wheel(0, 120)
    at(page, 3)
    page.mouse.wheel(0, -120)
    at(page, 2)
    bar = page.locator(".slicebar").bounding_box()
    page.mouse.click(bar["x"] + bar["width"] * 8.5 / 12, bar["y"] + bar["height"] / 2)
    at(page, 9)


def test_small_turns_of_a_touchpad_add_up_to_one_slice(opened):
    page = opened("?slice=6")
    page.hover("canvas.main")
    for _ in range(3):
        page.mouse.wheel(0, 10)
    page.wait_for_timeout(100)
    assert page.evaluate("document.querySelector('#sl').value") == "6"
    page.mouse.wheel(0, 10)
    at(page, 7)


def test_zoom_by_wheel_needs_control_and_shift_pans(opened):
    page = opened("?slice=6")
    page.hover("canvas.main")
    page.keyboard.down("Control")
    page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    expect(page.locator("[data-hud-zoom]")).not_to_have_text("Zoom 100 %")
    assert page.evaluate("window.mediscanViewer.state.zoom") > 1
    before = page.evaluate("window.mediscanViewer.state.y")
    page.focus("canvas.main")
    page.keyboard.press("Shift+ArrowUp")
    assert page.evaluate("window.mediscanViewer.state.y") == before + 30
    at(page, 6)


def test_keys_one_to_five_set_the_windows_of_a_ct(opened):
    page = opened()
    for key, words in (("1", "WW 400  WL 40"), ("2", "WW 1500  WL -600"), ("3", "WW 150  WL 90"),
                       ("4", "WW 2500  WL 480"), ("5", "WW 80  WL 40")):  # fmt: skip
        page.keyboard.press(key)
        expect(page.locator("[data-hud-window]")).to_have_text(words)
    page.keyboard.press("?")
    listed = page.locator("[data-shortcut-list]").inner_text()
    assert "Window: Lung" in listed
    assert "Next slice" in listed


def test_the_bar_follows_the_threshold(opened):
    page = opened()
    bar = page.locator("[data-slice-bar]")
    saved = bar.get_attribute("d")
    slide(page, 0.05)
    assert bar.get_attribute("d").count("M") > saved.count("M")
    slide(page, 0.5)
    assert bar.get_attribute("d") == saved


def test_a_region_leads_to_its_slice(opened, result):
    page = opened("?slice=12")
    second = result.lesions.all()[1]
    expect(page.locator("[data-regions] g:not([hidden])")).to_have_count(0)
    page.click("[data-lesion='1']")
    at(page, round(second.facts["centroid"][0]) + 1)
    expect(page.locator("[data-regions] g:not([hidden]) text")).to_have_text(["L2"])
    assert page.evaluate("window.mediscanViewer.state.zoom") > 1


def test_another_plane_keeps_the_look_that_was_chosen(opened):
    page = opened()
    page.keyboard.press("2")
    slide(page, 0.3)
    choose(page, "outline")
    page.click("[data-plane=coronal]")
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    expect(page.locator("[data-plane=coronal]")).to_have_attribute("aria-current", "true")
    assert page.is_checked("[name=mode][value=outline]")
    expect(page.locator("[data-hud-window]")).to_have_text("WW 1500  WL -600")
    expect(page.locator("[data-state]")).to_contain_text("Preview at 0.30")
    assert page.inner_text(".mk.t") + page.inner_text(".mk.b") == "SI"


def test_neighbours_are_fetched_ahead_and_no_slice_twice(opened):
    page = opened("?slice=6")
    asked = []
    page.on("request", lambda request: "/axial/" in request.url and asked.append(request.url))
    page.keyboard.press("ArrowDown")
    at(page, 7)
    page.wait_for_load_state("networkidle")
    assert not [one for one in asked if "/axial/7/" in one]
    assert sorted({one.rsplit("/", 2)[1] for one in asked}) == ["10"]
    page.keyboard.press("ArrowUp")
    at(page, 6)
    assert len([one for one in asked if "/slices/axial/10/" in one]) == 1


def test_a_slice_that_does_not_come_is_said_and_can_be_asked_for_again(visit, user, result):
    page = visit(result.get_absolute_url() + "?slice=2", user=user)
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    page.wait_for_load_state("networkidle")
    page.route("**/axial/12/", lambda route: route.fulfill(status=200, body=b""))
    page.keyboard.press("End")
    expect(page.locator("[data-slice-lost]")).to_be_visible()
    expect(page.locator(".slicing [data-slice-number]")).to_have_text("2")
    page.unroute("**/axial/12/")
    page.keyboard.press("End")
    at(page, 12)
    expect(page.locator("[data-slice-lost]")).to_be_hidden()


@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_on_the_page_of_a_volume(opened, width):
    page = opened(width=width)
    assert violations(page) == []
    page.set_viewport_size({"width": min(width, 320), "height": 844} if width < 400 else
                           {"width": width, "height": 900})  # fmt: skip
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_paper_holds_a_volumes_result_on_one_page(opened, result):
    page = opened("?plane=coronal")
    reader = PdfReader(io.BytesIO(page.pdf(format="A4", prefer_css_page_size=True)))
    words = reader.pages[0].extract_text()
    assert len(reader.pages) == 1
    assert f"{result.operating['volume_ml']:.2f}" in words
    assert "slice" in words


def test_without_javascript_the_slider_and_the_planes_work(visit, user, result):
    page = visit(result.get_absolute_url(), user=user, java_script_enabled=False)
    page.locator("#sl").fill("9")
    page.click("[data-apply]")
    page.wait_for_url("**slice=9**")
    assert page.input_value("#sl") == "9"
    assert "slice=9" in page.locator(".flat img").first.get_attribute("src")
    page.click("[data-plane=sagittal]")
    page.wait_for_url("**plane=sagittal**")
    shown = page.locator(".flat img").first
    assert page.evaluate("image => image.naturalWidth", shown.element_handle()) == 40
    assert page.evaluate("image => image.naturalHeight", shown.element_handle()) == 30
    page.click("[data-lesion='1']")
    page.wait_for_url("**slice=*")
