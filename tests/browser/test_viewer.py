"""The result page in a real browser: what it draws, what it counts, what its keys do."""

from __future__ import annotations

import io

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image as Picture
from playwright.sync_api import expect
from pypdf import PdfReader

from imaging.measures.threshold import threshold_level
from tests.accounts.factories import UserFactory
from tests.browser.story import SIZE, drawn_result

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# The colour on the screen at the middle of every pixel of the image, as [[r, g, b], …] by rows.
# Five screen pixels to one of the image, on whole numbers, so that the middle is one pixel.
SCREEN = """() => new Promise((done) => {
  const viewer = window.mediscanViewer, copy = document.createElement("canvas");
  const { width, height } = viewer.canvas;
  viewer.set({ zoom: 5 / viewer.fit(), x: (width % 2) / 2, y: (height % 2) / 2 });
  requestAnimationFrame(() => requestAnimationFrame(() => {
    Object.assign(copy, { width: viewer.canvas.width, height: viewer.canvas.height });
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.drawImage(viewer.canvas, 0, 0);
    const { data } = context.getImageData(0, 0, copy.width, copy.height), seen = [];
    for (let at = 0; at < viewer.rows * viewer.columns; at += 1) {
      const row = Math.floor(at / viewer.columns), column = at % viewer.columns;
      const [x, y] = viewer.toScreen(column + 0.5, row + 0.5).map(Math.floor);
      seen.push([...data.subarray(4 * (y * copy.width + x), 4 * (y * copy.width + x) + 3)]);
    }
    done(seen);
  }));
})"""


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def result(user, tmp_path):
    return drawn_result(user, tmp_path)


@pytest.fixture
def opened(visit, user, result):
    """Return a function that opens the result and waits for its viewer."""

    def go(query: str = "", **options):
        page = visit(result.get_absolute_url() + query, user=user, **options)
        expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
        return page

    return go


def screen(page) -> np.ndarray:
    return np.array(page.evaluate(SCREEN), np.uint8).reshape(SIZE, SIZE, 3)


def layer(user, result, name: str, query: str = "") -> np.ndarray:
    client = Client()
    client.force_login(user)
    address = reverse("imaging:result-layer", args=[result.pk, name])
    return np.asarray(Picture.open(io.BytesIO(client.get(address + query).content)).convert("L"))


def choose(page, mode: str) -> None:
    page.click(f".deck label:has([value={mode}])")


ROW = """t => JSON.parse(document.querySelector("#viewer-config").textContent)
  .rows.findIndex((row) => row.t === t)"""


def slide(page, threshold: float) -> None:
    page.locator("#th").fill(str(page.evaluate(ROW, threshold)))


def test_the_canvas_shows_the_servers_picture_within_one_grey_level(opened, user, result):
    page = opened("?mode=off")
    shown = screen(page).astype(int)
    assert shown.max() > 200
    original = layer(user, result, "original").astype(int)
    assert np.abs(shown - original[..., np.newaxis]).max() <= 1


def test_the_canvas_draws_exactly_the_mask_of_each_threshold(opened, user, result):
    page = opened("?mode=mask")
    for threshold in (0.05, 0.45, 0.5, 0.95):
        slide(page, threshold)
        mask = layer(user, result, "mask", f"?t={threshold}") > 0
        assert np.array_equal(screen(page)[..., 0] > 127, mask), threshold


def test_the_browser_counts_what_the_server_counted(opened, result):
    page = opened()
    for row in result.table:
        counted = page.evaluate("t => window.mediscanViewer.count(t)", row["t"])
        assert (counted, row["level"]) == (row["raw_px"], threshold_level(row["t"]))


def test_the_slider_shows_the_tables_row_and_says_that_it_is_a_preview(opened, result):
    page = opened()
    row = next(row for row in result.table if row["t"] == 0.3)
    assert row["area_px"] != result.operating["area_px"]
    slide(page, 0.3)
    expect(page.locator("[data-m=area_text]")).to_have_text(row["area_text"])
    expect(page.locator("[data-m=area_px]")).to_have_text(f"{row['area_px']:,}")
    expect(page.locator("[data-m=circularity]")).to_have_text(f"{row['circularity']:.2f}")
    expect(page.locator("[data-state]")).to_have_text("Preview at 0.30. Saved threshold is 0.50")
    expect(page.locator("#th")).to_have_attribute(
        "aria-valuetext", f"0.30, {row['area_text']} of {row['denominator']}"
    )
    expect(page.locator("[data-regions]")).to_be_hidden()
    assert "t=0.3" in page.get_attribute("[data-mask-png]", "href")
    result.refresh_from_db()
    assert result.threshold == 0.5


def test_overlay_modes_change_the_picture(opened):
    page = opened()
    seen = {}
    for mode in ("off", "heat", "mask", "outline", "disagreement"):
        choose(page, mode)
        seen[mode] = screen(page).astype(int)
    middle = seen["heat"][SIZE // 2, round(0.32 * SIZE)]
    assert middle[0] > middle[1] + 40, "the heart of the heatmap is red"
    assert set(np.unique(seen["mask"])) == {0, 255}
    assert all(
        np.abs(seen[one] - seen["off"]).max() > 60 for one in ("heat", "outline", "disagreement")
    )


def test_opacity_is_seen_at_once(opened):
    page = opened()
    before = screen(page)
    page.locator("#op").fill("0")
    assert np.abs(screen(page).astype(int) - before).max() > 60


def test_the_palette_is_kept_with_the_account(opened, user):
    page = opened()
    with page.expect_response("**/account/preference/"):
        page.select_option("#cm", "cividis")
    assert type(user).objects.get(pk=user.pk).palette == "cividis"
    page.reload()
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    assert page.input_value("#cm") == "cividis"
    assert page.evaluate("Object.keys(localStorage)") == []


def test_regions_are_named_on_the_picture_and_can_be_looked_at(opened, result):
    page = opened()
    assert result.lesions.count() == 2
    expect(page.locator("[data-regions] text")).to_have_text(["L1", "L2"])
    before = page.evaluate("window.mediscanViewer.state.x")
    page.click("[data-lesion='1']")
    assert page.evaluate("window.mediscanViewer.state.x") != before


def test_without_spacing_nothing_is_in_millimetres_and_the_side_is_unknown(opened):
    page = opened()
    expect(page.locator("[data-scale-text]")).to_have_text("10 px")
    expect(page.locator(".hud.tl")).to_contain_text("Side unknown")
    assert " mm" not in page.inner_text("main")


def test_letters_of_the_sides_follow_a_flip(visit, user, tmp_path):
    facts = {"affine": [[0.7, 0, 0, 0], [0, 0.7, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]}
    result = drawn_result(user, tmp_path)
    result.image.facts |= facts | {"spacing_mm": [1, 0.7, 0.7], "spacing_kind": "calibrated"}
    result.image.save()
    page = visit(result.get_absolute_url(), user=user)
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    expect(page.locator("[data-scale-text]")).to_have_text("1 cm")
    assert page.inner_text(".mk.l") + page.inner_text(".mk.r") == "RL"
    page.keyboard.press("f")
    expect(page.locator(".mk.l")).to_have_text("L")
    expect(page.locator(".mk.r")).to_have_text("R")


def test_paper_holds_the_result_on_one_light_page(opened, result):
    page = opened(color_scheme="dark")
    slide(page, 0.3)
    reader = PdfReader(io.BytesIO(page.pdf(format="A4", prefer_css_page_size=True)))
    text = reader.pages[0].extract_text()
    assert len(reader.pages) == 1
    assert "Research use only" in text
    assert result.operating["area_text"] in text, "the numbers are those of the printed picture"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_a_saved_threshold_between_the_steps_is_shown_and_reached_again(visit, user, tmp_path):
    result = drawn_result(user, tmp_path, threshold=0.37)
    page = visit(result.get_absolute_url(), user=user)
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    expect(page.locator("[data-state]")).to_have_text("Saved threshold 0.37")
    page.focus("#th")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-state]")).to_have_text("Preview at 0.40. Saved threshold is 0.37")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-state]")).to_have_text("Saved threshold 0.37")
