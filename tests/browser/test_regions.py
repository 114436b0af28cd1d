"""Regions one by one in a real browser: jump, outline, remove, undo, by mouse, key and form."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from imaging.models import Review
from tests.accounts.factories import UserFactory
from tests.browser.story import drawn_result
from tests.imaging.volumes import NIFTI, volume_result
from tests.shell.test_browser import violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LIT = "(document.querySelector('.call .lesion:not(.gone)')?.getAttribute('d') ?? '').length"
GONE = "(document.querySelector('.call .lesion.gone')?.getAttribute('d') ?? '').length"


@pytest.fixture
def reader():
    return UserFactory()


@pytest.fixture
def result(reader, tmp_path):
    return drawn_result(reader, tmp_path)


def opened(visit, result, user, **options):
    page = visit(result.get_absolute_url(), user=user, **options)
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    if shots := os.environ.get("SHOTS"):
        page.screenshot(path=Path(shots) / f"regions-{options.get('width', 1440)}.png")
    return page


def settled(page, script: str, wanted: bool) -> None:
    for _ in range(100):
        if bool(page.evaluate(script)) == wanted:
            return
        page.wait_for_timeout(50)
    raise AssertionError(script)


def test_a_key_leads_from_region_to_region_and_outlines_each(visit, reader, result):
    page = opened(visit, result, reader)
    assert page.evaluate(LIT) == 0
    page.keyboard.press("j")
    settled(page, LIT, True)
    expect(page.locator("[data-region='0']")).to_have_attribute("data-now", "")
    first = page.evaluate("document.querySelector('.call .lesion').getAttribute('d')")
    assert page.evaluate("window.mediscanViewer.state.zoom") >= 1
    page.keyboard.press("j")
    expect(page.locator("[data-region='1']")).to_have_attribute("data-now", "")
    page.keyboard.press("Shift+J")
    expect(page.locator("[data-region='0']")).to_have_attribute("data-now", "")
    settled(page, f"document.querySelector('.call .lesion').getAttribute('d') === '{first}'", True)


def test_removing_chooses_edit_and_undo_takes_both_back(visit, reader, result):
    page = opened(visit, result, reader)
    page.click("[data-lesion='1']")
    page.keyboard.press("Delete")
    expect(page.locator("[data-removal-text]")).to_have_text("Without L2")
    assert page.is_checked("[name=decision][value=edited]")
    settled(page, GONE, True)
    page.click("[data-undo-removal]")
    expect(page.locator("[data-removal-text]")).to_have_text("All regions are kept.")
    assert page.locator(".dec input:checked").count() == 0
    settled(page, GONE, False)
    page.check("[data-remove='0']")
    page.locator("#decision .go button").first.click()
    expect(page.locator("#decision .verdict")).to_contain_text("being measured")
    assert Review.objects.get().removed == [1]


def test_removing_goes_back_to_the_saved_threshold(visit, reader, result):
    page = opened(visit, result, reader)
    page.keyboard.press(",")
    expect(page.locator("[data-state]")).to_contain_text("Preview")
    page.check("[data-remove='0']")
    expect(page.locator("[data-state]")).not_to_contain_text("Preview")


def test_without_javascript_boxes_are_ticked_and_saved(visit, reader, result):
    page = visit(result.get_absolute_url(), user=reader, java_script_enabled=False)
    page.check("[data-remove='1']")
    page.click("#decision .go button[type=submit]")
    expect(page.locator("#decision .verdict")).to_contain_text("Edited")
    assert Review.objects.get().removed == [2]


@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_in_the_list(visit, reader, result, width, tmp_path):
    page = opened(visit, result, reader, width=width)
    page.check("[data-remove='0']")
    page.keyboard.press("j")
    if shots := os.environ.get("SHOTS"):
        page.screenshot(path=Path(shots) / f"regions-removed-{width}.png", full_page=True)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_in_a_volume_it_leafs_to_the_slice(visit, reader, tmp_path):
    result = volume_result(reader, tmp_path, affine=NIFTI)
    page = visit(result.get_absolute_url() + "?slice=12", user=reader)
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    page.keyboard.press("j")
    number = round(result.lesions.first().facts["centroid"][0]) + 1
    expect(page.locator(".slicing [data-slice-number]")).to_have_text(str(number))
    settled(page, LIT, True)
    if shots := os.environ.get("SHOTS"):
        page.screenshot(path=Path(shots) / "regions-volume.png")
