"""A folder and a ZIP go in pieces, are looked over study by study, mended and sent on."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from django.urls import reverse
from playwright.sync_api import expect

from imaging.formats.png import encode_png
from imaging.models import ItemStatus, Run, Study, Upload
from imaging.samples import chest_phantom
from imaging.services.pieces import PART_BYTES
from imaging.services.uploads import upload_ingest
from tests.accounts.factories import UserFactory
from tests.browser.test_pages import faults
from tests.formats.series import ct_series, voxels, written
from tests.imaging.factories import EnsembleFactory

pytestmark = [
    pytest.mark.browser,
    pytest.mark.engine,
    pytest.mark.django_db(transaction=True),
]
VIEWS = [(1440, "light"), (390, "dark")]


def noise(seed: int) -> bytes:
    """A picture that no packing makes smaller."""
    return encode_png(np.random.default_rng(seed).integers(0, 255, (2300, 2300), np.uint8))


def zipped(files: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return sink.getvalue()


def received(page, queued) -> Upload:
    """Wait for the receipt, then let the worker read what came."""
    page.wait_for_url(lambda url: "/uploads/new/" not in url, timeout=60_000)
    upload_ingest(queued[-1][1])
    page.reload()
    return Upload.objects.order_by("-created_at").first()


def pictured(page, name: str) -> None:
    if folder := os.environ.get("LOOK_AT"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_a_zip_goes_in_pieces_is_looked_over_mended_and_sent_on(
    visit, tmp_path, queued, width, scheme
):
    user = UserFactory()
    EnsembleFactory(title="Lung fields", members=2)
    small = encode_png(chest_phantom(64, 1))
    pictures = {"one.png": noise(1), "sub/two.png": noise(2), "three.png": small}
    data = zipped(pictures | {"notes.png": b"these are words"})
    assert len(data) > PART_BYTES
    (tmp_path / "study.zip").write_bytes(data)
    page = visit(reverse("imaging:upload-create"), user=user, width=width, color_scheme=scheme)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.set_input_files("#id_files", tmp_path / "study.zip")
    page.click(".seg label:has([value=xray])")
    page.click("[data-upload] [type=submit]")
    upload = received(page, queued)
    assert sum("/pieces/" in url for url in sent) >= 2
    assert upload.items.filter(status=ItemStatus.REFUSED).count() == 1
    rows = page.locator("table.arrivals tbody tr")
    expect(rows).to_have_count(3)
    expect(page.locator("table.files")).to_contain_text("notes.png")
    assert faults(page) == []
    pictured(page, f"review-{width}-{scheme}")

    rows.first.get_by_role("link", name="Correct").click()
    page.fill("#id_title", "Thorax, p.a.")
    assert faults(page) == []
    pictured(page, f"correct-{width}-{scheme}")
    page.get_by_role("button", name="Save the correction").click()
    expect(page.locator("table.arrivals")).to_contain_text("Thorax, p.a.")
    assert {one.title for one in Study.objects.all()} >= {"Thorax, p.a."}

    rows.nth(1).locator("input[type=checkbox]").uncheck()
    page.get_by_role("button", name="Send on to analysis").click()
    page.wait_for_url(lambda url: "/runs/" in url)
    run = Run.objects.get()
    assert (run.jobs.count(), run.members.count()) == (2, 2)


def test_a_folder_goes_in_pieces_and_comes_again_as_what_is_known(visit, tmp_path, queued):
    user = UserFactory()
    folder = tmp_path / "CD" / "series"
    folder.mkdir(parents=True)
    written(folder, ct_series(voxels(depth=8, height=40, width=40)))
    for again in (False, True):
        page = visit(reverse("imaging:upload-create"), user=user)
        page.set_input_files("[data-folder] input", tmp_path / "CD")
        page.click("[data-upload] [type=submit]")
        page.wait_for_url(lambda url: "/uploads/new/" not in url, timeout=60_000)
        if not again:
            upload_ingest(queued[-1][1])
        page.reload()
        row = page.locator("table.arrivals tbody tr")
        expect(row).to_have_count(1)
        expect(row).to_contain_text("CT, 8 slices")
        box = row.locator("input[type=checkbox]")
        expect(box).to_be_checked(checked=not again)
    expect(page.locator("table.files")).to_contain_text("nothing is stored twice")
    page.get_by_role("link", name="Open the study that has them").click()
    assert page.url.endswith(Study.objects.get().get_absolute_url())
