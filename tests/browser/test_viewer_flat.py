"""The result page where nothing can be drawn by the browser: no JavaScript, or no GPU."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.accounts.factories import UserFactory
from tests.browser.story import drawn_result

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Each of the server's layers that is on the screen, and whether its bytes came.
LAYERS = """() => [...document.querySelectorAll(".flat img")].map((image) => ({
  name: image.src.match(/layers\\/(\\w+)\\.png/)[1], query: new URL(image.src).search,
  drawn: image.complete && image.naturalWidth > 0, wide: image.getBoundingClientRect().width,
}))"""


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def result(user, tmp_path):
    return drawn_result(user, tmp_path)


def layers(page) -> list[str]:
    """The names of the layers shown, each of them drawn and large."""
    shown = page.evaluate(LAYERS)
    assert all(one["drawn"] and one["wide"] > 200 for one in shown), shown
    return [one["name"] for one in shown]


def test_without_javascript_the_form_sets_mode_palette_opacity_and_threshold(visit, user, result):
    page = visit(result.get_absolute_url(), user=user, java_script_enabled=False)
    assert layers(page) == ["original", "heat", "outline"]
    expect(page.locator("[data-rail]")).to_be_hidden()
    page.check("[name=mode][value=disagreement]", force=True)
    page.select_option("#cm", "magma")
    page.locator("#op").fill("80")
    page.locator("#th").fill("0.30")
    page.click("[data-apply]")
    page.wait_for_load_state()
    assert layers(page) == ["original", "disagreement"]
    for part in ("t=0.3", "palette=magma", "opacity=80"):
        assert all(part in one["query"] for one in page.evaluate(LAYERS))
    row = next(row for row in result.table if row["t"] == 0.3)
    expect(page.locator("[data-m=area_text]")).to_have_text(row["area_text"])
    expect(page.locator("[data-state]")).to_contain_text("Preview at 0.30")


def test_without_javascript_the_window_is_chosen(visit, user, result):
    page = visit(result.get_absolute_url(), user=user, java_script_enabled=False)
    full = page.locator("#wp option").nth(1).get_attribute("value")
    page.select_option("#wp", full)
    page.click("[data-apply]")
    page.wait_for_load_state()
    assert all(f"window={full}" in one["query"] for one in page.evaluate(LAYERS))


def test_without_javascript_each_view_is_a_link(visit, user, result):
    page = visit(result.get_absolute_url(), user=user, java_script_enabled=False)
    for view, shown in (("off", ["original"]), ("mask", ["mask"]),
                        ("disagreement", ["original", "disagreement"])):  # fmt: skip
        page.click(f".film [data-mode={view}]")
        page.wait_for_url(f"**?mode={view}&**")
        assert layers(page) == shown


def test_without_javascript_the_picture_stands_between_views_and_findings(visit, user, result):
    page = visit(result.get_absolute_url(), user=user, java_script_enabled=False)
    film, stage, panel = (
        page.locator(one).bounding_box() for one in (".film", ".stage", ".fpanel")
    )
    assert film["x"] + film["width"] <= stage["x"] + 1
    assert stage["width"] > 700
    assert panel["x"] >= stage["x"] + stage["width"] - 1


def test_without_a_gpu_the_layers_stay_and_the_form_works(visit, user, result, browser_without_gpu):
    page = visit(result.get_absolute_url(), user=user, using=browser_without_gpu)
    expect(page.locator("html[data-viewer=flat]")).to_be_attached()
    assert layers(page) == ["original", "heat", "outline"]
    page.click(".deck label:has([value=mask])")
    page.click("[data-apply]")
    page.wait_for_url("**/?mode=mask*")
    assert layers(page) == ["mask"]
