"""Masks edited by a reader, end to end: real volumes and pictures, the real engine, the pages."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from django.urls import reverse
from playwright.sync_api import expect

from accounts.vault.storage import blob_open
from imaging.display import image_planes
from imaging.formats.png import encode_png
from imaging.mask_files import mask_file
from imaging.models import ModelState, ModelVersion, Result, Review
from imaging.planes import slice_of
from imaging.registry import models_sync
from tests.accounts.factories import UserFactory
from tests.browser.story import drawn_result

pytestmark = [
    pytest.mark.browser,
    pytest.mark.engine,
    pytest.mark.django_db(transaction=True),
]
PATIENCE_MS = 120_000  # models are loaded once, by the first run
VOLUME = "mri_hippocampus/images/hippocampus_001.nii.gz"
HEADER = 352  # bytes before the voxels of a NIfTI file of ours


def look(page, name: str) -> None:
    """Leave a picture where whoever looks at pages asked for it."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture
def reader():
    return UserFactory()


@pytest.fixture
def opened(visit, reader, work, data_root):
    """The result page of a real hippocampus that was uploaded and analysed through the pages."""
    models_sync()
    hippocampus = ModelVersion.objects.filter(
        state=ModelState.ACTIVE, name__startswith="mri-hippocampus"
    )
    if not hippocampus.exists():
        pytest.skip("the models folder holds no active model of hippocampi")
    page = visit(reverse("imaging:upload-create"), user=reader)
    page.set_input_files("#id_files", data_root / VOLUME)
    page.click(".seg label:has([value=mri])")
    page.click("[data-upload] [type=submit]")
    page.wait_for_url(lambda url: "/uploads/" in url and "/new/" not in url)
    expect(page.locator("#upload-status")).to_contain_text("Checking 1 file")
    work()
    chosen = page.get_by_label("Ensemble for MRI")
    expect(chosen).to_be_visible(timeout=PATIENCE_MS)
    title = chosen.locator("option", has_text="mri-hippocampus").inner_text()
    chosen.select_option(label=title)
    page.get_by_role("button", name="Send on to analysis").click()
    page.wait_for_url(lambda url: "/runs/" in url and "/new/" not in url)
    work()
    page.get_by_role("link", name="Open result").first.click(timeout=PATIENCE_MS)
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    return page


def shown(page, result: Result, number: int) -> np.ndarray:
    return slice_of(kept(result), image_planes(result.image)["axial"], number - 1)


def kept(result: Result) -> np.ndarray:
    review = result.reviews.order_by("-number").first()
    return np.frombuffer(blob_open(review.mask).read(), np.uint8).reshape(result.image.shape)


def model_mask(result: Result) -> np.ndarray:
    blob = result.maps.get(name="ensemble").blob
    levels = np.frombuffer(blob_open(blob).read(), np.uint8).reshape(result.image.shape)
    return levels >= result.level


def at(page, number: int) -> None:
    expect(page.locator("[data-easel]")).to_have_attribute("data-slice", str(number))


def erase_all(page) -> None:
    """Wipe the slice with the largest eraser, along its middle."""
    box = page.locator("canvas[data-cursor]").bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2, steps=6)
    page.mouse.up()


def test_a_real_volume_is_painted_saved_measured_and_shown_again(opened, work, reader):
    page, result = opened, Result.objects.get()
    look(page, "hippocampus")
    page.check("#review-form [value=edited]")
    page.click("[data-paint]")
    expect(page.locator("html[data-paint=ready]")).to_be_attached()
    first = int(page.input_value("#sl"))  # the slice with most of the finding
    page.keyboard.press("e")
    page.locator("[data-size]").fill("120")
    erase_all(page)
    expect(page.locator("[data-area]")).to_contain_text("0 pixels")
    page.keyboard.press("PageDown")
    at(page, first + 1)
    erase_all(page)
    page.keyboard.press("PageDown")
    at(page, first + 2)
    erase_all(page)
    page.keyboard.press("z")
    expect(page.locator("[data-painted]")).to_have_text(f"Painted: {first}, {first + 1}")
    look(page, "hippocampus-painted")
    page.fill("#id_comment", "Two slices taken out.")
    page.click("[data-save]")
    expect(page.locator("#decision .verdict")).to_contain_text("being measured")
    work()
    volume = page.locator("[data-edited=volume_ml]")
    expect(volume).to_be_visible(timeout=PATIENCE_MS)
    review = Review.objects.get()
    assert volume.inner_text() == f"{review.row['volume_ml']:.2f}"
    assert review.row["volume_ml"] < result.operating["volume_ml"]
    lost = model_mask(result).sum() - kept(result).sum()
    voxel_ml = result.operating["volume_ml"] / model_mask(result).sum()
    gone = result.operating["volume_ml"] - review.row["volume_ml"]
    assert gone == pytest.approx(lost * voxel_ml, rel=1e-3)
    for number in (first, first + 1):
        assert not shown(page, result, number).any()
    page.reload()
    page.get_by_role("link", name="Show it").click()
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    expect(page.locator("#decision")).to_contain_text("The picture shows the edited mask")
    page.locator("#sl").fill(str(first))
    expect(page.locator(".slicing [data-slice-number]")).to_have_text(str(first))
    page.wait_for_url(f"**slice={first}**")
    assert page.evaluate("Math.max(...window.mediscanViewer.levels)") == 0
    look(page, "hippocampus-edited")


def test_a_real_volumes_mask_is_edited_elsewhere_and_uploaded(opened, work):
    page, result = opened, Result.objects.get()
    name, file = mask_file(result)
    assert name == "nii.gz"
    head, mask = gzip.decompress(file)[:HEADER], model_mask(result).copy()
    mask[:, :, : mask.shape[2] // 2] = False

    page.check("#review-form [value=edited]")
    page.get_by_role("link", name="Upload an edited mask").click()
    wrong = gzip.compress(head + bytes(mask.size - 1))
    sent(page, "short.nii.gz", wrong)
    work()
    expect(page.locator("#decision .verdict")).to_contain_text("short.nii.gz", timeout=PATIENCE_MS)

    page.goto(page.url.split("?")[0].split("#")[0] + "mask/")
    mirrored = np.frombuffer(head, np.uint8).copy()
    mirrored[280:296] = np.negative(np.frombuffer(head[280:296], "<f4")).view(np.uint8)  # srow_x
    mirrored[252:254] = 0  # qform_code: the sform counts
    sent(page, "mirrored.nii.gz", gzip.compress(mirrored.tobytes() + mask.tobytes()))
    work()
    words = page.locator("#decision .verdict")
    expect(words).to_contain_text("“mirrored.nii.gz” lies elsewhere", timeout=PATIENCE_MS)

    page.goto(page.url.split("?")[0].split("#")[0] + "mask/")
    sent(page, "half.nii.gz", gzip.compress(head + mask.astype(np.uint8).tobytes()))
    work()
    expect(page.locator("[data-edited=volume_ml]")).to_be_visible(timeout=PATIENCE_MS)
    assert np.array_equal(kept(result), mask)
    look(page, "hippocampus-uploaded")


def sent(page, name: str, file: bytes) -> None:
    kind = "image/png" if name.endswith("png") else "application/gzip"
    page.set_input_files("#id_file", {"name": name, "mimeType": kind, "buffer": file})
    page.get_by_role("button", name="Save the mask").click()
    expect(page.locator("#decision .verdict")).to_be_visible()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_pictures_mask_is_uploaded_and_measured(visit, reader, work, tmp_path, script):
    result = drawn_result(reader, tmp_path)
    mask = model_mask(result)[0].copy()
    mask[:, : mask.shape[1] // 2] = False
    page = visit(
        reverse("imaging:review-upload", args=[result.pk]), user=reader, java_script_enabled=script
    )
    look(page, f"upload-{script}")
    sent(page, "left-out.png", encode_png(mask.astype(np.uint8) * 255))
    work()
    page.reload()
    review = Review.objects.get()
    expect(page.locator("#decision .verdict")).to_contain_text(review.row["area_text"])
    assert review.row["area_px"] + review.row["outside_px"] == mask.sum()
    assert np.array_equal(kept(result)[0], mask)
