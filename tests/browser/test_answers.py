"""Classes and boxes in a real browser: drawn, walked by keyboard, and without JavaScript."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.accounts.factories import UserFactory
from tests.browser.story import analysed_by
from tests.imaging.analyses import box_analysis, class_analysis, refused_analysis

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def user():
    return UserFactory()


def look(page, name: str) -> None:
    """Leave a picture where whoever looks at pages asked for it."""
    if folder := os.environ.get("MEDISCAN_LOOK"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), timeout=120_000)


def test_boxes_lie_where_they_were_found_and_the_list_leads_to_each(visit, user, tmp_path):
    result = analysed_by(user, box_analysis, "detection", tmp_path)
    page = visit(result.get_absolute_url(), user=user)
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    frames = page.locator("[data-boxes] rect")
    expect(frames).to_have_count(2)
    expect(frames.first).to_have_attribute("x", re.compile(r"\d"))  # drawn, not only there
    wanted = page.evaluate(
        "() => { const v = mediscanViewer, [a, b] = [v.toScreen(2, 3), v.toScreen(12.5, 9)];"
        " return [a[0], a[1], b[0] - a[0], b[1] - a[1]]; }"
    )
    seen = [float(frames.first.get_attribute(name)) for name in ("x", "y", "width", "height")]
    assert np.abs(np.array(seen) - wanted).max() < 0.2
    look(page, "boxes")
    second = page.locator("[data-box]").nth(1)
    second.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-boxes] .chosen text")).to_have_text("B2 tumour 0.60")
    assert page.evaluate("mediscanViewer.state.zoom") > 1
    page.keyboard.press("b")
    expect(frames.first).to_be_hidden()
    look(page, "boxes-off")


def test_boxes_without_javascript_are_drawn_by_the_server(visit, user, tmp_path):
    result = analysed_by(user, box_analysis, "detection", tmp_path)
    page = visit(result.get_absolute_url(), user=user, java_script_enabled=False)
    expect(page.locator(".flat svg.boxes rect")).to_have_count(2)
    picture = page.locator(".flat img").first.bounding_box()
    frame = page.locator(".flat svg.boxes rect").first.bounding_box()
    assert picture["x"] <= frame["x"] < picture["x"] + picture["width"]
    look(page, "boxes-flat")
    page.locator("#ov-off").check()
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".flat svg.boxes")).to_have_count(0)


def test_classes_show_their_threshold_and_where_the_models_looked(visit, user, tmp_path):
    result = analysed_by(user, class_analysis, "classification", tmp_path)
    page = visit(result.get_absolute_url(), user=user)
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    expect(page.locator(".cls li").first).to_contain_text("tuberculosis")
    assert page.evaluate("mediscanViewer.levels.reduce((a, b) => Math.max(a, b))") > 200
    assert page.evaluate("mediscanViewer.state.mode") == "heat"
    look(page, "classes")
    page.keyboard.press("h")
    assert page.evaluate("mediscanViewer.state.mode") == "off"


def test_a_refusal_comes_first_and_on_a_phone_nothing_is_cut(visit, user, tmp_path):
    result = analysed_by(user, refused_analysis, "segmentation", tmp_path)
    page = visit(result.get_absolute_url(), user=user, width=390, height=844)
    expect(page.locator("#gate h2")).to_contain_text("Not analysed")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    look(page, "refused-phone")
    page.locator("#gate summary").click()
    page.locator("#gate-reason").fill("The plate was cut on purpose.")
    page.get_by_role("button", name="Start the analysis").click()
    expect(page.get_by_text("Your reason stands on its result")).to_be_visible()
