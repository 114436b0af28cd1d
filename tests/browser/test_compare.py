"""Two results side by side in a real browser: linked, by pixel, with their differences."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from imaging.samples import chest_phantom
from tests.accounts.factories import UserFactory
from tests.browser.story import SIZE, addresses_of_reviewing, drawn_result, three_models
from tests.browser.test_viewer import layer
from tests.imaging.factories import StudyFactory
from tests.imaging.volumes import NIFTI, volume_result
from tests.shell.test_browser import violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

STATE = "n => ({ ...mediscanPanes[n].viewer.state })"
# as in test_viewer: three screen pixels to one of the image, the colour at the middle of each
SCREEN = """n => new Promise((done) => {
  const viewer = mediscanPanes[n].viewer, copy = document.createElement("canvas");
  const { width, height } = viewer.canvas;
  viewer.set({ zoom: 3 / viewer.fit(), x: (width % 2) / 2, y: (height % 2) / 2 });
  requestAnimationFrame(() => requestAnimationFrame(() => {
    Object.assign(copy, { width: viewer.canvas.width, height: viewer.canvas.height });
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.drawImage(viewer.canvas, 0, 0);
    const { data } = context.getImageData(0, 0, copy.width, copy.height), seen = [];
    for (let at = 0; at < viewer.rows * viewer.columns; at += 1) {
      const row = Math.floor(at / viewer.columns), column = at % viewer.columns;
      const [x, y] = viewer.toScreen(column + 0.5, row + 0.5).map(Math.floor);
      seen.push(data[4 * (y * copy.width + x)]);
    }
    done(seen);
  }));
})"""


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def two(user, tmp_path):
    """A result, and a brighter prior of the same patient whose window is another."""
    models = three_models()
    result = drawn_result(user, tmp_path, models=models)
    array = (chest_phantom(SIZE, 5)[np.newaxis].astype(np.uint16) * 20 + 300).astype(np.uint16)
    study = StudyFactory(user=user, patient=result.patient)
    return result, drawn_result(user, tmp_path, models=models, study=study, array=array)


def address(result, other, query: str = "") -> str:
    return f"{result.get_absolute_url()}compare/{other.pk}/{query}"


def opened(visit, user, pair, query: str = "", **options):
    page = visit(address(*pair, query), user=user, **options)
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    return page


def test_each_pane_draws_its_own_mask_and_its_own_picture(visit, user, two):
    page = opened(visit, user, two, "?mode=mask&t=0.3", height=1000, width=1700)
    for at, result in enumerate(two):
        seen = np.array(page.evaluate(SCREEN, at), np.uint8).reshape(SIZE, SIZE)
        assert np.array_equal(seen > 127, layer(user, result, "mask", "?t=0.3") > 0), at
    page.click(".deck label:has([value=off])")
    for at, result in enumerate(two):
        page.keyboard.press("0")
        seen = np.array(page.evaluate(SCREEN, at), int).reshape(SIZE, SIZE)
        assert np.abs(seen - layer(user, result, "original").astype(int)).max() <= 1, at


def test_views_move_together_until_they_are_let_go(visit, user, two):
    page = opened(visit, user, two)
    page.focus("[data-pane='1'] canvas.main")
    for key in ("+", "ArrowLeft", "i", "r", "f"):
        page.keyboard.press(key)
    names = ("zoom", "x", "y", "inverted", "flipped", "turns")
    first, second = (page.evaluate(STATE, at) for at in (0, 1))
    assert [first[name] for name in names] == [second[name] for name in names]
    assert (first["zoom"], first["inverted"], first["flipped"]) == (1.2, True, True)
    page.keyboard.press("k")
    expect(page.locator("[data-key=k]")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("+")
    assert page.evaluate(STATE, 1)["zoom"] == 1.2
    page.focus("[data-pane='2'] canvas.main")
    page.keyboard.press("-")
    assert page.evaluate(STATE, 0)["zoom"] == pytest.approx(1.44)
    page.keyboard.press("k")
    assert page.evaluate(STATE, 0)["zoom"] == page.evaluate(STATE, 1)["zoom"] == pytest.approx(1)


def test_windows_of_different_scales_go_in_step(visit, user, two):
    page = opened(visit, user, two)
    homes = [page.evaluate("n => mediscanPanes[n].home", at) for at in (0, 1)]
    assert homes[0]["width"] < homes[1]["width"] / 5
    page.evaluate(
        "([c, w]) => mediscanPanes[0].viewer.set({ center: c + w / 4, width: 2 * w })",
        [homes[0]["center"], homes[0]["width"]],
    )
    second = page.evaluate(STATE, 1)
    assert second["width"] == pytest.approx(2 * homes[1]["width"])
    assert second["center"] == pytest.approx(homes[1]["center"] + homes[1]["width"] / 4)


def test_the_table_follows_the_threshold_and_says_what_the_server_says(visit, user, two):
    pair = (two[0], two[0])
    page = opened(visit, user, pair)
    cells = "[data-measure=area_px] td"
    page.focus("#th")
    page.keyboard.press("ArrowLeft")
    row = next(row for row in two[0].table if row["t"] == 0.45)
    expect(page.locator(cells)).to_have_text([f"{row['area_px']:,}"] * 2 + ["0"])
    expect(page.locator("[data-at]")).to_have_text("0.45")
    server = visit(address(*pair, "?t=0.45"), user=user, java_script_enabled=False)
    assert (server.locator(".diff tbody td.num").all_inner_texts()
            == page.locator(".diff tbody td.num").all_inner_texts())  # fmt: skip


def test_slices_of_one_volume_stay_side_by_side(visit, user, tmp_path):
    result = volume_result(user, tmp_path, affine=NIFTI)
    page = opened(visit, user, (result, result), "?slice=5&slice2=7")
    page.focus("[data-pane='1'] canvas.main")
    page.keyboard.press("ArrowDown")
    numbers = page.locator("[data-slice-number]")
    expect(numbers).to_have_text(["6", "8"])
    for _ in range(50):
        shown = page.evaluate("mediscanPanes.map((pane) => pane.shown)")
        if shown == [5, 7]:
            break
        page.wait_for_timeout(100)
    assert shown == [5, 7]
    page.keyboard.press("k")
    page.keyboard.press("ArrowDown")
    expect(numbers).to_have_text(["7", "8"])


def test_without_a_script_two_pictures_stand_beside_their_numbers(visit, user, two):
    page = visit(address(*two), user=user, java_script_enabled=False)
    boxes = [page.locator(f"[data-pane='{n}'] .flat img").first.bounding_box() for n in (1, 2)]
    assert all(box["width"] > 300 for box in boxes)
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"] + 1
    page.locator("#th").fill("0.3")
    page.click("[data-apply]")
    page.wait_for_url("**t=0.3*")
    row = next(row for row in two[0].table if row["t"] == 0.3)
    expect(page.locator("[data-measure=area_px] td").first).to_have_text(f"{row['area_px']:,}")


@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_and_a_phone_has_one_above_the_other(visit, user, two, width):
    page = opened(visit, user, two, width=width)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    first, second = (page.locator(f"[data-pane='{n}']").bounding_box() for n in (1, 2))
    assert (second["y"] >= first["y"] + first["height"]) == (width == 390)
    page.goto(page.url.split("compare/")[0] + "compare/")
    assert violations(page) == []


# --- classes and boxes

DRAWN = """n => [...mediscanPanes[n].root.querySelectorAll("[data-boxes] g:not([hidden]) rect")]
  .map(rect => ["x", "y", "width", "height"].map(name => Number(rect.getAttribute(name))))"""


def compared(visit, user, pages: dict[str, str], name: str, **options):
    page = visit(pages[f"compare, {name}"], user=user, **options)
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    return page


@pytest.fixture
def pages(user, tmp_path):
    return addresses_of_reviewing(user, tmp_path)


def test_boxes_of_a_volume_move_and_leaf_with_the_picture(visit, user, pages):
    page = compared(visit, user, pages, "detection of a volume")
    for number in (1, 2):  # drawn, not only there
        frame = page.locator(f"[data-pane='{number}'] [data-boxes] rect").first
        expect(frame).to_have_attribute("x", re.compile(r"\d"))
    wanted = page.evaluate(
        "() => { const pane = mediscanPanes[0], [x0, y0, x1, y1] = pane.own.boxes[0].box;"
        " const [a, b] = [pane.viewer.toScreen(x0, y0), pane.viewer.toScreen(x1, y1)];"
        " return [a[0], a[1], b[0] - a[0], b[1] - a[1]]; }"
    )
    for number in (0, 1):
        drawn = page.evaluate(DRAWN, number)
        assert len(drawn) == 2
        assert np.abs(np.array(drawn[0]) - wanted).max() < 0.2
    page.locator("canvas.main").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-slice-number]").nth(1)).to_have_text("2")
    expect(page.locator("[data-boxes] g:not([hidden])")).to_have_count(0)
    page.keyboard.press("ArrowUp")
    expect(page.locator("[data-boxes] g:not([hidden])")).to_have_count(4)
    page.keyboard.press("b")
    expect(page.locator("[data-boxes]").first).to_be_hidden()
    assert page.locator("[data-boxed] td").all_inner_texts() == ["2", "2", "0"]
    assert "In both: 2, only in this one: 0" in page.inner_text("aside")


def test_classes_show_where_the_models_looked_on_both_sides(visit, user, pages):
    page = compared(visit, user, pages, "classification of a volume")
    page.evaluate("mediscanPanes.forEach((pane) => pane.go(6))")
    expect(page.locator("[data-slice-number]").nth(1)).to_have_text("7")
    heat = page.evaluate("mediscanPanes.map((pane) => Math.max(...pane.viewer.levels))")
    assert min(heat) > 0
    cells = page.locator("[data-class=tuberculosis] td").all_inner_texts()
    assert cells == ["0.83 positive", "0.83 positive", "0.00"]


def test_the_page_of_a_volumes_boxes_is_leafed_through(visit, user, pages):
    page = visit(pages["boxes of a volume"], user=user)
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    expect(page.locator("[data-boxes] g:not([hidden])")).to_have_count(2)
    page.hover("canvas.main")
    page.mouse.wheel(0, 120)
    expect(page.locator("#slo")).to_have_text("2")
    expect(page.locator("[data-boxes] g:not([hidden])")).to_have_count(0)
    page.locator("[data-box]").first.click()
    expect(page.locator("#slo")).to_have_text("1")
    expect(page.locator("[data-boxes] .chosen")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_on_classes_and_boxes(visit, user, pages, width):
    for name in ("detection", "classification of a volume"):
        page = compared(visit, user, pages, name, width=width)
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_boxes_of_two_results_without_javascript(visit, user, pages):
    page = visit(pages["compare, detection of a volume"], user=user, java_script_enabled=False)
    expect(page.locator(".flat svg.boxes rect")).to_have_count(4)
