"""U30: each part of the two kit pages is, pixel by pixel, the picture that is kept of it.

`make kit` draws the pictures anew. They are made with Inter as Debian's `fonts-inter` holds it
and no other font, so that they do not depend on what else a machine has; where that very
version is not at hand, or Chromium is another one, the comparison is skipped with its reason
(`make font` fetches the font, past the system).
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.urls import reverse
from PIL import Image

from mediscan.kit.made_up import AT
from tests.browser.conftest import FLAGS, NO_GPU
from tests.shell.test_browser import violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

KEPT = Path(__file__).parent / "kit"
MADE_WITH = KEPT / "made-with.txt"
DRAWS = "KIT_DRAW" in os.environ
FONTS = "usr/share/fonts/opentype/inter"
PLACES = (Path("/") / FONTS, settings.BASE_DIR / "var/fonts" / FONTS)
PAGES = ("kit", "kit-viewer")
VIEWS = (
    ("kit", 1440, "light"), ("kit", 1440, "dark"), ("kit", 390, "light"),
    ("kit-viewer", 1440, "dark"), ("kit-viewer", 390, "dark"),  # the viewer is always dark
)  # fmt: skip
LOOKS = ["--disable-lcd-text", "--font-render-hinting=none", "--force-color-profile=srgb",
         "--hide-scrollbars"]  # fmt: skip
NEAR = 4  # levels of a channel that one pixel may differ by
MOST = 0.001  # share of a part's pixels that may differ by more
BOXES = """() => [...document.querySelectorAll("[data-kit]")].map((one) => {
  const {x, y, width, height} = one.getBoundingClientRect();
  return [one.dataset.kit, ...[x, y + scrollY, x + width, y + scrollY + height].map(Math.round)];
})"""
WIDE = """() => [...document.querySelectorAll("[data-kit] *")]
  .filter((one) => !one.closest(".vh") && document.documentElement.scrollWidth > innerWidth
    && one.getBoundingClientRect().right > innerWidth).map((one) => one.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def plain_browser(playwright, tmp_path_factory):
    """Chromium that knows Inter and no other font."""
    binary = shutil.which("chromium") or pytest.skip("no chromium on this machine")
    place = next((one for one in PLACES if one.is_dir()), None)
    if place is None:
        pytest.skip("Inter is not here: `make font`, or apt install fonts-inter")
    folder = tmp_path_factory.mktemp("fonts")
    config = folder / "fonts.conf"
    config.write_text(
        f"<fontconfig><dir>{place}</dir><cachedir>{folder}</cachedir></fontconfig>", "utf-8"
    )
    browser = playwright.chromium.launch(
        executable_path=binary,
        args=FLAGS + NO_GPU + LOOKS,
        env=os.environ | {"FONTCONFIG_FILE": str(config)},
    )
    font = hashlib.sha256((place / "Inter-Regular.otf").read_bytes()).hexdigest()
    found = f"Inter {font}\nChromium {browser.version}\n"
    if DRAWS:
        MADE_WITH.write_text(found, encoding="ascii")
    elif found != MADE_WITH.read_text(encoding="ascii"):
        browser.close()
        pytest.skip(f"the pictures were made with others than {found!r}")
    yield browser
    browser.close()


@pytest.fixture
def opened(plain_browser, live_server):
    """Return a function that opens a page at one moment, in one language, without motion."""
    contexts = []

    def go(name: str, width: int, scheme: str):
        context = plain_browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, locale="en-GB",
            timezone_id="UTC", reduced_motion="reduce", device_scale_factor=1,
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        page.clock.set_fixed_time(AT)
        page.goto(live_server.url + reverse(name))
        page.evaluate("document.fonts.ready")
        return page

    yield go
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("name", "width", "scheme"), VIEWS)
def test_each_part_is_its_picture(opened, name, width, scheme):
    page = opened(name, width, scheme)
    boxes = page.evaluate(BOXES)
    shot = Image.open(io.BytesIO(page.screenshot(full_page=True, animations="disabled")))
    shot = shot.convert("RGB")
    file = KEPT / f"{name}-{width}-{scheme}.webp"
    if DRAWS:
        shot.save(file, lossless=True, quality=100, method=6)
    kept = Image.open(file).convert("RGB")
    assert shot.size == kept.size, (
        f"a part of {file.name} grew or shrank: `make kit` if it is meant"
    )
    differs = _differs(shot, kept)
    shares = {part: _share(differs, box) for part, *box in boxes}
    changed = {part: f"{share:.2%}" for part, share in shares.items() if share > MOST}
    assert changed == {}, f"not as in {file.name}: `make kit` if it is meant"


def _differs(first: Image.Image, second: Image.Image) -> np.ndarray:
    """Return where two pictures of one size differ, (Y, X) bool."""
    apart = np.asarray(first).astype(np.int16) - np.asarray(second)
    return (np.abs(apart) > NEAR).any(axis=2)


def _share(differs: np.ndarray, box: tuple[int, int, int, int]) -> float:
    left, top, right, bottom = box
    return float(differs[top:bottom, left:right].mean())


@pytest.mark.parametrize("name", PAGES)
def test_each_part_is_accessible(opened, name):
    """Landmarks are unique on every page but these, where a part stands in each of its states."""
    page = opened(name, 1440, "light")
    assert [one for one in violations(page) if one[0] != "landmark-unique"] == []
    page.set_viewport_size({"width": 320, "height": 900})
    assert page.evaluate(WIDE) == []
