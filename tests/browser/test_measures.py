"""Measuring by hand on the result page: true values, true lengths, by mouse, touch and keyboard."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from imaging.display import image_planes
from imaging.planes import slice_of
from tests.accounts.factories import UserFactory
from tests.browser.story import SIZE, drawn_result
from tests.imaging.volumes import NIFTI, phantom, volume_result
from tests.shell.test_browser import violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MEASURES = "window.mediscanViewer.hand.measures"
AT = """([column, row]) => {
  const box = mediscanViewer.canvas.getBoundingClientRect();
  const [x, y] = mediscanViewer.toScreen(column, row);
  return [x + box.left, y + box.top];
}"""
CALIBRATED = {"spacing_mm": [1, 0.5, 0.5], "spacing_kind": "calibrated"}


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def opened(visit, user):
    def go(result, query: str = "", **options):
        page = visit(result.get_absolute_url() + query, user=user, **options)
        expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
        return page

    return go


def calibrated(user, folder, **facts):
    result = drawn_result(user, folder)
    result.image.facts |= CALIBRATED | facts
    result.image.save()
    return result


def drag(page, *points) -> None:
    """Press at the first point of the image, move over the others, let go at the last."""
    places = [page.evaluate(AT, list(point)) for point in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def choose(page, kind: str) -> None:
    page.click(f"[data-tool={kind}]")
    expect(page.locator(f"[data-tool={kind}]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-measure-say]")).to_be_visible()


def points(page, index: int = -1) -> np.ndarray:
    return np.array(page.evaluate(f"{MEASURES}.list.at({index}).points"))


def inside(kind: str, ends: np.ndarray, shape) -> np.ndarray:
    """The pixels whose middle lies in the shape, by a formula of its own."""
    (x0, y0), (x1, y1) = ends.min(axis=0), ends.max(axis=0)
    y, x = np.indices(shape) + 0.5
    if kind == "rectangle":
        return (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    away = ((x - (x0 + x1) / 2) / ((x1 - x0) / 2)) ** 2
    return away + ((y - (y0 + y1) / 2) / ((y1 - y0) / 2)) ** 2 <= 1


@pytest.mark.parametrize("kind", ["ellipse", "rectangle"])
def test_an_area_has_the_mean_sd_and_size_of_the_stored_values(opened, user, tmp_path, kind):
    result = volume_result(user, tmp_path, affine=NIFTI)
    page = opened(result, "?slice=5&window=0,2000")
    plane = image_planes(result.image)["axial"]
    stored = slice_of(phantom(), plane, 4).astype(float)
    choose(page, kind)
    drag(page, (20.2, 9.7), (41.3, 27.6))
    found = stored[inside(kind, points(page), stored.shape)]
    numbers = page.evaluate(f"{MEASURES}.numbers(1)")
    assert numbers["n"] == found.size > 250
    assert numbers["mean"] == pytest.approx(found.mean(), abs=1e-9)
    assert numbers["sd"] == pytest.approx(found.std(), abs=1e-9)
    assert (numbers["low"], numbers["high"]) == (found.min(), found.max())
    said = page.inner_text("[data-measure-list] [data-value]")
    assert f"mean {found.mean():.1f} HU" in said
    assert f"SD {found.std():.1f}" in said
    assert f"{found.size * 0.64:.1f} mm²" in said
    assert f"{found.size} px" in said


def test_values_that_fit_no_sixteen_bits_are_measured_as_they_were_stored(opened, user, tmp_path):
    values = np.random.default_rng(5).normal(0, 1e-3, (1, SIZE, SIZE)).astype(np.float32)
    values[0, 0, 0] = 5000.0  # so that a step of 16 bits is far more than the others differ by
    result = drawn_result(user, tmp_path, array=values)
    page = opened(result, "?mode=off")
    choose(page, "rectangle")
    drag(page, (30.1, 30.1), (60.2, 50.2))
    found = values[0][inside("rectangle", points(page), (SIZE, SIZE))].astype(float)
    numbers = page.evaluate(f"{MEASURES}.numbers(1)")
    assert numbers["n"] == found.size
    assert numbers["mean"] == pytest.approx(found.mean(), rel=1e-9)
    assert numbers["sd"] == pytest.approx(found.std(), rel=1e-9)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (CALIBRATED, "10.0 mm"),
        ({"spacing_mm": [1, 0.5, 0.5], "spacing_kind": "detector"}, "10.0 mm at detector"),
        ({"spacing_mm": None, "spacing_kind": "none"}, "20.0 px"),
    ],
)
def test_a_length_is_in_mm_only_as_the_file_is_calibrated(opened, user, tmp_path, facts, said):
    page = opened(calibrated(user, tmp_path, **facts))
    choose(page, "length")
    drag(page, (20, 30), (32, 46))
    ends = points(page)
    length = np.hypot(*(ends[1] - ends[0]))
    assert length == pytest.approx(20, abs=0.2)
    shown = page.inner_text("[data-measure-list] [data-value]").strip()
    number = length if said.endswith("px") else length / 2
    assert shown == re.sub(r"^[\d.]+", f"{number:.1f}", said)
    panel = page.inner_text("[data-measures]")
    if said.endswith("px"):
        assert not re.search(r"\bmm", panel)
        assert "no spacing" in panel
    assert ("at the detector" in panel) == said.endswith("detector")


def test_an_angle_of_three_clicks_is_that_of_the_body_where_pixels_are_oblong(
    opened, user, tmp_path
):
    result = calibrated(user, tmp_path, spacing_mm=[1, 1.0, 0.5])
    page = opened(result)
    choose(page, "angle")
    for column, row in ((60, 20), (20, 20), (40, 30)):
        page.mouse.click(*page.evaluate(AT, [column, row]))
    # 20 columns of 0.5 mm and 10 rows of 1 mm: half a right angle
    assert page.inner_text("[data-measure-list] [data-value]").strip() in (
        "45.0°",
        "44.9°",
        "45.1°",
    )


def test_everything_is_measured_and_taken_back_by_keyboard(opened, user, tmp_path):
    page = opened(calibrated(user, tmp_path))
    page.keyboard.press("l")
    expect(page.locator("[data-measure-say]")).to_be_visible()
    assert page.evaluate("document.activeElement === mediscanViewer.canvas")
    page.keyboard.press("Enter")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    value = page.locator("[data-measure-list] [data-value]")
    expect(value).to_have_text("10.0 mm")
    expect(page.locator("[data-measure-say]")).to_have_text("Length 1: 10.0 mm")
    page.keyboard.press("Delete")
    expect(value).to_have_count(0)
    page.keyboard.press("u")
    expect(value).to_have_text("10.0 mm")
    page.keyboard.press("u")
    expect(value).to_have_count(0)
    page.keyboard.press("v")
    expect(page.locator("[data-tool=probe]")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    column, row = points(page)[0].astype(int)
    level = page.evaluate("([x, y]) => mediscanViewer.levels[y * mediscanViewer.columns + x]",
                          [int(column), int(row)])  # fmt: skip
    expect(value).to_contain_text(f"p {level / 255:.2f}")
    page.keyboard.press("Escape")
    expect(page.locator("[data-tool=window]")).to_have_attribute("aria-pressed", "true")


def test_a_finger_measures_and_two_fingers_move_and_zoom(opened, user, tmp_path):
    page = opened(calibrated(user, tmp_path), width=390, height=844, has_touch=True)
    page.tap("[data-tool=length]")
    expect(page.locator("[data-measure-say]")).to_be_visible()
    page.locator("canvas.main").scroll_into_view_if_needed()
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *places) -> None:
        spots = [{"x": x, "y": y, "id": at} for at, (x, y) in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": spots})

    first, last = (page.evaluate(AT, point) for point in ([20, 40], [60, 40]))
    touch("touchStart", first)
    touch("touchMove", last)
    touch("touchEnd")
    expect(page.locator("[data-measure-list] [data-value]")).to_have_text("20.0 mm")
    before = page.evaluate("mediscanViewer.state.zoom")
    touch("touchStart", first)
    touch("touchStart", first, last)
    touch("touchMove", [first[0] - 40, first[1]], [last[0] + 40, last[1]])
    touch("touchEnd")
    assert page.evaluate("mediscanViewer.state.zoom") > 1.2 * before
    assert page.evaluate(f"{MEASURES}.list.length") == 1


def test_an_end_is_moved_and_a_measure_stays_with_its_slice(opened, user, tmp_path):
    page = opened(volume_result(user, tmp_path, affine=NIFTI), "?slice=5")
    choose(page, "length")
    drag(page, (10, 10), (30, 10))
    drag(page, (30, 10), (40, 10))
    length = points(page)[1][0] - points(page)[0][0]
    expect(page.locator("[data-measure-list] tr")).to_have_count(1)
    assert page.inner_text("[data-value]").strip() == f"{0.8 * length:.1f} mm"
    assert length == pytest.approx(30, abs=0.2)
    page.keyboard.press("PageDown")
    expect(page.locator(".slicing [data-slice-number]")).to_have_text("7")
    expect(page.locator("[data-measure-layer] g")).to_have_count(0)
    page.click("[data-find]")
    expect(page.locator(".slicing [data-slice-number]")).to_have_text("5")
    expect(page.locator("[data-measure-layer] g.chosen")).to_have_count(1)


def test_measures_are_stored_nowhere_but_in_the_comment_if_put_there(opened, user, tmp_path):
    page = opened(calibrated(user, tmp_path))
    sent = []
    page.on("request", lambda request: request.method != "GET" and sent.append(request.url))
    choose(page, "length")
    drag(page, (20, 30), (40, 30))
    value = page.inner_text("[data-value]").strip()
    page.click("[data-keep-measures]")
    assert page.input_value("[name=comment]") == f"Length 1: {value}."
    assert sent == []
    assert page.evaluate("Object.keys(localStorage)") == []


@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_while_one_measures(opened, user, tmp_path, width):
    page = opened(calibrated(user, tmp_path), width=width)
    choose(page, "ellipse")
    page.locator("canvas.main").scroll_into_view_if_needed()
    drag(page, (20, 30), (50, 60))
    expect(page.locator("[data-measures]")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
