"""A mask painted in the browser, saved, measured by the engine, shown again pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from django.urls import reverse
from playwright.sync_api import expect

from accounts.vault.storage import blob_open
from imaging.models import Review
from tests.accounts.factories import UserFactory
from tests.browser.story import drawn_result
from tests.imaging.factories import operating_row

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SIZE = 96


@pytest.fixture
def result(tmp_path):
    return drawn_result(UserFactory(), tmp_path, size=SIZE)


@pytest.fixture
def page(visit, result, queued):
    user = result.job.run.requested_by
    page = visit(reverse("imaging:review-paint", args=[result.pk]), user=user)
    expect(page.locator("html[data-paint=ready]")).to_be_attached()
    return page


def painted(review: Review) -> np.ndarray:
    return np.frombuffer(blob_open(review.mask).read(), np.uint8).reshape(SIZE, SIZE)


def start(result) -> np.ndarray:
    blob = result.maps.get(name="ensemble").blob
    return np.frombuffer(blob_open(blob).read(), np.uint8).reshape(SIZE, SIZE) >= result.level


def drag(page, x: int, y: int, to_x: int) -> None:
    """Draw from one pixel of the image to another in its row."""
    box = page.locator("canvas[data-cursor]").bounding_box()
    scale = box["width"] / SIZE
    page.mouse.move(box["x"] + (x + 0.5) * scale, box["y"] + (y + 0.5) * scale)
    page.mouse.down()
    page.mouse.move(box["x"] + (to_x + 0.5) * scale, box["y"] + (y + 0.5) * scale, steps=4)
    page.mouse.up()


def test_what_is_painted_is_what_is_saved(page, result, queued):
    page.locator("[data-size]").fill("1")
    drag(page, 5, 3, 15)
    page.click("[data-save]")
    expect(page.locator("#decision .verdict")).to_contain_text("being measured")
    review = Review.objects.get()
    assert queued == [("imaging.tasks.measure_review", str(review.pk))]
    added = painted(review).astype(bool) & ~start(result)
    assert set(map(tuple, np.argwhere(added))) == {(3, x) for x in range(5, 16)}
    Review.objects.update(row=operating_row(t=None, level=None, area_text="12.34 %"))
    expect(page.locator("#decision .verdict")).to_contain_text("12.34 %")


def test_eraser_fill_and_undo(page, result):
    y, x = map(int, np.argwhere(start(result))[len(np.argwhere(start(result))) // 2])
    page.keyboard.press("g")
    drag(page, x, y, x)
    page.keyboard.press("z")
    page.keyboard.press("e")
    page.locator("[data-size]").fill("120")
    drag(page, 0, SIZE // 2, SIZE - 1)
    page.click("[data-save]")
    expect(page.locator("#decision .verdict")).to_be_visible()
    assert painted(Review.objects.get()).sum() < start(result).sum()


def test_by_keyboard_alone(page, result):
    page.focus("[data-easel]")
    for _ in range(20):
        page.keyboard.press("Shift+ArrowUp")
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press(" ")
    page.click("[data-save]")
    expect(page.locator("#decision .verdict")).to_be_visible()
    assert painted(Review.objects.get())[0, 0] == 1
