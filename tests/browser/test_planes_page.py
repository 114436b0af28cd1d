"""A volume in three planes at once in a real browser: one point, one value, the right letters."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect

from imaging.planes import planes_of
from tests.accounts.factories import UserFactory
from tests.imaging.volumes import AXIAL, NIFTI, SAGITTAL, SHAPE, SPACING, phantom, volume_result
from tests.shell.test_browser import violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LETTERS = """() => [...document.querySelectorAll("[data-pane]")].map((pane) =>
  ["l", "r", "t", "b"].map((edge) => pane.querySelector(".mk." + edge).textContent).join(""))"""
# the value that each pane draws where the cross stands, read back from what it was sent
SEEN = """() => mediscanPanes.map((pane) => {
  const { axes, flips } = pane.own, voxel = mediscanPanes.point.voxel;
  const shape = [12, 40, 56], at = axes.map((axis, place) =>
    (place && flips[place - 1] ? shape[axis] - 1 - voxel[axis] : voxel[axis]));
  return [pane.shown === at[0], pane.viewer.real(at[1] * pane.own.width + at[2])];
})"""


def opened(visit, user, result, query: str = "", **options):
    page = visit(f"{result.get_absolute_url()}planes/{query}", user=user, **options)
    expect(page.locator("html[data-viewer]")).to_be_attached()
    return page


def settled(page):
    for _ in range(60):
        seen = page.evaluate(SEEN)
        if all(is_there for is_there, _value in seen):
            return [value for _is_there, value in seen]
        page.wait_for_timeout(100)
    raise AssertionError(seen)


@pytest.mark.parametrize("affine", [AXIAL, NIFTI, SAGITTAL])
def test_one_point_has_one_value_in_all_planes_and_each_its_letters(visit, tmp_path, affine):
    user = UserFactory()
    result = volume_result(user, tmp_path, affine=affine)
    page = opened(visit, user, result)
    assert page.evaluate(LETTERS) == ["RLAP", "RLSI", "APSI"]
    for pane in (1, 2, 3):
        box = page.locator(f"[data-pane='{pane}'] canvas.main").bounding_box()
        page.mouse.click(box["x"] + 0.58 * box["width"], box["y"] + 0.44 * box["height"])
        values = settled(page)
        z, y, x = page.evaluate("mediscanPanes.point.voxel")
        assert values == [phantom()[z, y, x]] * 3
        lps = (np.array(affine) @ [x, y, z, 1])[:3]
        words = "  ".join(
            f"{'LPS'[axis] if at >= 0 else 'RAI'[axis]} {abs(at):.1f}"
            for axis, at in enumerate(lps)
        )
        expect(page.locator("[data-point]")).to_have_text(
            f"{words} mm, {values[0]:.0f} HU, p {probability(page):.2f}"
        )


# where each cross stands on the screen, from its drawing; and where the pane has the point
CROSSES = """() => mediscanPanes.map((pane) => {
  const path = pane.root.querySelector(".cross"), box = path.getBoundingClientRect();
  const { axes, flips } = pane.own, voxel = mediscanPanes.point.voxel, shape = [12, 40, 56];
  const at = axes.map((axis, n) =>
    (n && flips[n - 1] ? shape[axis] - 1 - voxel[axis] : voxel[axis]));
  const [x, y] = pane.viewer.toScreen(at[2] + 0.5, at[1] + 0.5);
  const [, row, , , , , column] = path.getAttribute("d").match(/-?[\\d.]+/g).map(Number);
  return [box.width > 100 && box.height > 100, Math.abs(row - y) < 1, Math.abs(column - x) < 1];
})"""


def test_the_cross_is_seen_in_each_plane_where_the_point_is(visit, tmp_path):
    user = UserFactory()
    page = opened(visit, user, volume_result(user, tmp_path, affine=NIFTI))
    page.focus("[data-pane='2'] canvas.main")
    page.keyboard.press("ArrowUp")
    settled(page)
    for _ in range(50):  # a frame is drawn when the machine comes to it
        seen = page.evaluate(CROSSES)
        if seen == [[True, True, True]] * 3:
            break
        page.wait_for_timeout(100)
    assert seen == [[True, True, True]] * 3
    assert page.locator(".cross").first.is_visible()


def probability(page) -> float:
    return page.evaluate("""() => { const pane = mediscanPanes[0];
      const { axes, flips } = pane.own, v = mediscanPanes.point.voxel, shape = [12, 40, 56];
      const at = axes.map((axis, n) => (n && flips[n - 1] ? shape[axis] - 1 - v[axis] : v[axis]));
      return pane.viewer.levels[at[1] * pane.own.width + at[2]] / 255; }""")


def test_the_point_is_moved_by_keys_and_slices_follow(visit, tmp_path):
    user = UserFactory()
    page = opened(visit, user, volume_result(user, tmp_path, affine=NIFTI))
    z, y, x = page.evaluate("mediscanPanes.point.voxel")
    planes = planes_of(SHAPE, NIFTI, SPACING)
    page.focus("[data-pane='1'] canvas.main")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageDown")
    settled(page)
    moved = page.evaluate("mediscanPanes.point.voxel")
    side = -1 if planes["axial"].flips[1] else 1
    assert moved == [z + 1, y, x + side]
    numbers = page.locator("[data-slice-number]").all_inner_texts()
    assert numbers == [str(moved[planes[name].axes[0]] + 1) for name in planes]


def test_without_a_script_the_three_cuts_meet_where_the_address_says(visit, tmp_path):
    user = UserFactory()
    result = volume_result(user, tmp_path, affine=NIFTI)
    page = opened_flat(visit, user, result)
    sources = [image.get_attribute("src") for image in page.locator(".flat img:first-child").all()]
    assert ["plane=axial&slice=4" in sources[0], "plane=coronal&slice=11" in sources[1],
            "plane=sagittal&slice=21" in sources[2]] == [True] * 3  # fmt: skip
    assert page.locator(".flat svg.here path").count() == 3


def opened_flat(visit, user, result):
    address = f"{result.get_absolute_url()}planes/?axial=4&coronal=11&sagittal=21&mode=heat"
    return visit(address, user=user, java_script_enabled=False)


@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_and_nothing_is_too_wide(visit, tmp_path, width):
    user = UserFactory()
    page = opened(visit, user, volume_result(user, tmp_path, affine=NIFTI), width=width)
    assert page.evaluate("document.documentElement.dataset.viewer") == "webgl"
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
