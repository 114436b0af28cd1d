"""The picture mirrored, turned and magnified: every pixel, every letter, every mark goes along."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.accounts.factories import UserFactory
from tests.browser.story import drawn_result
from tests.browser.test_slices import levels
from tests.browser.test_viewer import SCREEN, layer, screen
from tests.imaging.volumes import NIFTI, volume_result

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SIDED = {"affine": [[0.7, 0, 0, 0], [0, 0.7, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]}
LETTERS = (
    "() => ['t', 'r', 'b', 'l'].map((edge) => document.querySelector('.mk.' + edge).textContent)"
)
# where the first pixel of the image stands on the screen: left or right, top or bottom
CORNER = """() => {
  const v = mediscanViewer, [x, y] = v.toScreen(0.5, 0.5);
  const { clientWidth: wide, clientHeight: high } = v.canvas;
  return (y < high / 2 ? "top " : "bottom ") + (x < wide / 2 ? "left" : "right");
}"""
TURNS = [  # keys, letters at top, right, bottom, left, where the first pixel is
    ("", "ALPR", "top left"),
    ("r", "RALP", "top right"),
    ("f", "ARPL", "top right"),
    ("F", "PLAR", "bottom left"),
    ("rr", "PRAL", "bottom right"),
    ("rf", "RPLA", "top left"),
    ("fr", "LARP", "bottom right"),
    ("rF", "LARP", "bottom right"),
    ("rrrr", "ALPR", "top left"),
    ("Ffrr", "ALPR", "top left"),
]


@pytest.fixture
def user():
    return UserFactory()


def opened(visit, user, result, query: str = ""):
    page = visit(result.get_absolute_url() + query, user=user)
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    return page


def press(page, keys: str) -> None:
    page.keyboard.press("0")
    for key in keys:
        page.keyboard.press("Shift+F" if key == "F" else key)


def test_pixels_mask_and_letters_stay_together_however_it_is_turned(visit, user, tmp_path):
    result = drawn_result(user, tmp_path)
    result.image.facts |= SIDED
    result.image.save()
    page = opened(visit, user, result, "?mode=off")
    original = layer(user, result, "original").astype(int)
    assert np.abs(original - original[:, ::-1]).max() > 40, (
        "a picture that no mirror leaves as it is"
    )
    for keys, letters, corner in TURNS:
        press(page, keys)
        shown = screen(page).astype(int)
        assert np.abs(shown - original[..., np.newaxis]).max() <= 1, keys
        assert "".join(page.evaluate(LETTERS)) == letters, keys
        assert page.evaluate(CORNER) == corner, keys


def test_an_oblong_picture_keeps_its_shape_and_its_mask_when_turned(visit, user, tmp_path):
    result = volume_result(user, tmp_path, affine=NIFTI)
    page = opened(visit, user, result, "?mode=mask&plane=coronal")
    wanted = levels(result, "coronal", int(page.input_value("#sl"))) >= 128
    upright = page.evaluate("mediscanViewer.fit()")
    page.keyboard.press("r")
    assert page.evaluate("mediscanViewer.fit()") < upright, "the long side stands up now"
    seen = np.array(page.evaluate(SCREEN), np.uint8).reshape(*wanted.shape, 3)
    assert np.array_equal(seen[..., 0] > 127, wanted)
    expect(page.locator("[data-regions] g:not([hidden])").first).to_be_attached()


def test_what_is_under_the_middle_stays_there_when_turned_and_fit_keeps_the_window(
    visit, user, tmp_path
):
    page = opened(visit, user, drawn_result(user, tmp_path))
    page.evaluate("mediscanViewer.centreOn(20, 70, 4)")
    page.keyboard.press("r")
    middle = """() => { const v = mediscanViewer, b = v.canvas.getBoundingClientRect();
      return v.placeAt(b.left + b.width / 2, b.top + b.height / 2); }"""
    assert page.evaluate(middle) == pytest.approx([20, 70])
    page.evaluate("mediscanViewer.set({ center: 77, width: 99 })")
    page.keyboard.press("Shift+Z")
    state = page.evaluate("({...mediscanViewer.state})")
    assert (state["zoom"], state["x"], state["y"], state["center"]) == (1, 0, 0, 77)
    assert state["turns"] == 1


GLASS = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
  const v = mediscanViewer, copy = document.createElement("canvas");
  Object.assign(copy, { width: v.canvas.width, height: v.canvas.height });
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(v.canvas, 0, 0);
  const { left, bottom, side, power } = v.lens, step = v.scale * power;
  const [x, y] = [left + side / 2, v.canvas.clientHeight - bottom - side / 2];
  const at = (dx, dy) => context
    .getImageData(Math.round(x + dx * step), Math.round(y + dy * step), 1, 1).data[0];
  done([step / v.scale, at(0, 0), at(4, 0), at(-4, 0), at(0, 4), at(0, -4)]);
})))"""


def test_the_magnifier_shows_the_true_pixels_under_the_pointer(visit, user, tmp_path):
    result = drawn_result(user, tmp_path)
    page = opened(visit, user, result, "?mode=off")
    original = layer(user, result, "original").astype(int)
    page.keyboard.press("g")
    expect(page.locator("[data-key=g]")).to_have_attribute("aria-pressed", "true")
    place = """([c, r]) => { const b = mediscanViewer.canvas.getBoundingClientRect();
      const [x, y] = mediscanViewer.toScreen(c, r); return [x + b.left, y + b.top]; }"""
    column, row = 30, 40
    page.mouse.move(*page.evaluate(place, [column + 0.5, row + 0.5]))
    power, *seen = page.evaluate(GLASS)
    near = [
        original[row + dy, column + dx] for dx, dy in ((0, 0), (4, 0), (-4, 0), (0, 4), (0, -4))
    ]
    assert power == 2.5
    assert np.abs(np.array(seen) - near).max() <= 6, (seen, near)
    assert max(near) - min(near) > 12
    page.keyboard.press("g")
    assert page.evaluate("mediscanViewer.lens") is None
