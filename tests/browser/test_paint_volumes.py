"""Painting on a volume in the browser: slice by slice, copied, filled between, saved, undone."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from django.urls import reverse
from playwright.sync_api import expect

from accounts.vault.storage import blob_open
from imaging import painting
from imaging.display import image_planes
from imaging.models import Review
from imaging.planes import slice_of
from imaging.services.reviews import review_save
from tests.accounts.factories import UserFactory
from tests.imaging.volumes import NIFTI, SHAPE, volume_result
from tests.shell.test_browser import violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def reader():
    return UserFactory()


@pytest.fixture
def result(reader, tmp_path):
    return volume_result(reader, tmp_path, affine=NIFTI)


@pytest.fixture
def opened(visit, reader, result, queued):
    def go(query: str = "?slice=2", **options):
        address = reverse("imaging:review-paint", args=[result.pk]) + query
        page = visit(address, user=reader, **options)
        expect(page.locator("html[data-paint=ready]")).to_be_attached()
        return page

    return go


def hung(array: np.ndarray, result, number: int, plane: str = "axial") -> np.ndarray:
    return slice_of(array, image_planes(result.image)[plane], number - 1)


def below(result) -> np.ndarray:
    blob = result.maps.get(name="ensemble").blob
    return np.frombuffer(blob_open(blob).read(), np.uint8).reshape(SHAPE) >= result.level


def kept(review: Review) -> np.ndarray:
    return np.frombuffer(blob_open(review.mask).read(), np.uint8).reshape(SHAPE)


def at(page, number: int) -> None:
    """Wait until slice `number`, counted from 1, is the one on the easel."""
    expect(page.locator("output [data-slice-number]")).to_have_text(str(number))
    expect(page.locator("[data-easel]")).to_have_attribute("data-slice", str(number))


def dab(page, x: int, y: int, shape=SHAPE[1:]) -> None:
    """One click with a brush of one pixel, in the middle of a pixel of the slice."""
    box = page.locator("canvas[data-cursor]").bounding_box()
    page.mouse.click(
        box["x"] + (x + 0.5) * box["width"] / shape[1],
        box["y"] + (y + 0.5) * box["height"] / shape[0],
    )


def save(page) -> Review:
    page.click("[data-save]")
    expect(page.locator("#decision .verdict")).to_be_visible()
    return Review.objects.order_by("-number").first()


def test_two_slices_are_painted_and_no_other_changes(opened, result, monkeypatch):
    sizes, joined = [], painting.mask_joined

    def watched(result, one):
        sizes.append(len(one.bits))
        return joined(result, one)

    monkeypatch.setattr(painting, "mask_joined", watched)
    page = opened()
    page.locator("[data-size]").fill("1")
    dab(page, 50, 3)
    page.mouse.wheel(0, 40)
    page.mouse.wheel(0, 40)
    at(page, 4)
    dab(page, 51, 4)
    page.keyboard.press("PageUp")
    at(page, 3)
    expect(page.locator("[data-painted]")).to_have_text("Painted: 2, 4")
    page.click("[data-save]")
    expect(page.locator("#decision .verdict")).to_contain_text("being measured")
    assert sizes == [2 * SHAPE[1] * SHAPE[2] // 8]
    changed = kept(Review.objects.get()) != below(result)
    assert [tuple(one) for one in np.argwhere(hung(changed, result, 2))] == [(3, 50)]
    assert [tuple(one) for one in np.argwhere(hung(changed, result, 4))] == [(4, 51)]
    assert changed.sum() == 2


def test_undo_leads_back_to_the_slice_and_what_is_undone_is_not_sent(opened, result):
    page = opened()
    page.locator("[data-size]").fill("1")
    dab(page, 50, 3)
    page.keyboard.press("End")
    at(page, SHAPE[0])
    dab(page, 50, 3)
    page.keyboard.press("z")
    page.keyboard.press("z")
    at(page, 2)
    expect(page.locator("[data-save]")).to_be_disabled()
    page.keyboard.press("y")
    expect(page.locator("[data-painted]")).to_have_text("Painted: 2")
    changed = kept(save(page)) != below(result)
    assert changed.sum() == 1


def test_a_neighbour_is_copied_and_the_gap_between_two_is_filled(opened, result):
    second = hung(below(result), result, 2)
    y, x = np.argwhere(second).mean(axis=0).round().astype(int).tolist()
    page = opened("?slice=11")
    page.locator("[data-size]").fill("4")
    dab(page, x, y)
    page.keyboard.press("Home")
    page.keyboard.press("n")  # slice 2 onto slice 1
    at(page, 1)
    expect(page.locator("[data-painted]")).to_have_text("Painted: 1, 11")
    page.keyboard.press("PageDown")
    page.keyboard.press("i")
    all_of_them = re.compile(r"Painted: 1, (2, )?3, .*9, 10, 11$")  # the second may fit as it was
    expect(page.locator("[data-painted]")).to_have_text(all_of_them)
    page.keyboard.press("z")
    expect(page.locator("[data-painted]")).to_have_text("Painted: 1, 11")
    page.keyboard.press("y")
    expect(page.locator("[data-painted]")).to_have_text(all_of_them)
    mask = kept(save(page))
    assert np.array_equal(hung(mask, result, 1), second)
    areas = [int(hung(mask, result, number).sum()) for number in range(1, 12)]
    assert areas == sorted(areas, reverse=True)
    assert areas[0] > areas[5] > areas[10]


def test_a_gap_of_more_slices_than_are_kept_in_memory_is_filled(visit, reader, tmp_path, queued):
    shape = (90, 16, 16)
    tall = volume_result(reader, tmp_path, affine=NIFTI, shape=shape)
    page = visit(reverse("imaging:review-paint", args=[tall.pk]) + "?slice=80", user=reader)
    expect(page.locator("html[data-paint=ready]")).to_be_attached()
    page.locator("[data-size]").fill("4")
    dab(page, 3, 3, shape[1:])
    page.keyboard.press("Home")
    at(page, 1)
    dab(page, 3, 3, shape[1:])
    expect(page.locator("[data-painted]")).to_have_text("Painted: 1, 80")
    page.locator("#sl").fill("70")
    at(page, 70)
    before = page.locator("[data-area]").inner_text()
    page.keyboard.press("i")
    expect(page.locator("[data-painted]")).to_have_text(re.compile(r"Painted: 1, .*70, .*79, 80$"))
    expect(page.locator("[data-area]")).not_to_have_text(before)  # what is shown is what was made


def test_a_slice_of_another_plane_is_painted_as_it_is_seen(opened, result):
    page = opened("?plane=coronal&slice=3")
    page.locator("[data-size]").fill("1")
    dab(page, 50, 1, (SHAPE[0], SHAPE[2]))
    changed = kept(save(page)) != below(result)
    assert [tuple(one) for one in np.argwhere(hung(changed, result, 3, "coronal"))] == [(1, 50)]
    assert changed.sum() == 1


def test_who_comes_second_keeps_the_painting_and_may_follow(opened, reader, result):
    page = opened()
    page.locator("[data-size]").fill("1")
    dab(page, 50, 3)
    review_save(by=reader, result=result, seen=0, decision="accepted", comment="Fine.")
    page.click("[data-save]")
    box = page.locator("[data-overtaken]")
    expect(box).to_contain_text("saved version 1 (Accepted")
    assert page.locator("[data-theirs]").get_attribute("href").startswith("/reviews/")
    page.click("[data-mine]")
    expect(page.locator("#decision .verdict")).to_contain_text("being measured")
    assert (kept(Review.objects.get(number=2)) != below(result)).sum() == 1


def test_what_does_not_arrive_is_said_and_stays(opened):
    page = opened()
    dab(page, 50, 3)
    page.route("**/paint/**", lambda route: route.fulfill(status=200, body="signed out"))
    page.click("[data-save]")
    expect(page.locator("[data-refused]")).to_contain_text("It is still here")
    page.unroute("**/paint/**")
    assert save(page).number == 1


def test_the_window_of_the_picture_changes_below_the_brush(opened):
    page = opened()
    before = page.locator("[data-sheet] img").get_attribute("src")
    page.locator("[data-window]").select_option(label="Lung")
    expect(page.locator("[data-sheet] img")).not_to_have_attribute("src", before)
    assert "window=-600" in page.locator("[data-sheet] img").get_attribute("src")


def test_the_window_is_dragged_and_nothing_is_painted(opened):
    page = opened()
    before = page.locator("[data-window-text]").inner_text()
    page.keyboard.press("w")
    box = page.locator("canvas[data-cursor]").bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 60, steps=5)
    page.mouse.up()
    dragged = page.locator("[data-window-text]").inner_text()
    assert dragged != before
    page.focus("[data-easel]")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-window-text]")).not_to_have_text(dragged)
    level = page.locator("[data-window-text]").inner_text().split("WL ")[1].replace(",", "")
    picture = page.locator("[data-sheet] img")
    expect(picture).to_have_attribute("src", re.compile(rf"window={re.escape(level)}\d*%2C"))
    expect(page.locator("[data-save]")).to_be_disabled()
    expect(page.locator("[data-window] option:checked")).to_have_text("By hand")


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_sticks_out(opened, width, scheme):
    page = opened(width=width, color_scheme=scheme)
    dab(page, 50, 3)
    if shots := os.environ.get("SHOTS"):
        page.screenshot(path=Path(shots) / f"paint-{width}-{scheme}.png", full_page=True)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_without_javascript_the_way_is_an_upload(visit, reader, result):
    address = reverse("imaging:review-paint", args=[result.pk])
    page = visit(address, user=reader, java_script_enabled=False)
    page.get_by_role("link", name="upload an edited mask").click()
    expect(page.locator("h1")).to_have_text("Upload an edited mask")
    assert "12 slices" in page.inner_text("main")
