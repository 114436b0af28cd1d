"""The main job end to end: real files, the worker's own code, the real engine and models."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.urls import reverse
from playwright.sync_api import expect
from pypdf import PdfReader

from imaging.formats.png import encode_png
from imaging.models import MemberOutcome, ModelState, ModelVersion, Result
from imaging.registry import models_sync
from imaging.samples import chest_phantom
from tests.accounts.factories import PASSWORD, UserFactory

pytestmark = [
    pytest.mark.browser,
    pytest.mark.engine,
    pytest.mark.django_db(transaction=True),
]

PATIENCE_MS = 60_000  # models are loaded once, by the first run
WEIGHTS = ("2", "1", "1")
FILES = [
    {"name": f"chest-{n}.png", "mimeType": "image/png", "buffer": encode_png(chest_phantom(256, n))}
    for n in (1, 2)
]


@pytest.fixture
def models():
    models_sync()
    found = ModelVersion.objects.filter(state=ModelState.ACTIVE, type="segmentation")
    if found.count() < 3:
        pytest.skip("the models folder holds fewer than three active models")
    return found


@pytest.fixture
def user(models):
    return UserFactory()


def path_of(page) -> str:
    return "/" + page.url.split("/", 3)[3]


def arrive(page, room: str) -> None:
    page.wait_for_url(lambda url: f"/{room}/" in url and "/new/" not in url)


def choose_models(page) -> None:
    """Three models, weights 2, 1 and 1; the second is asked to run on CUDA."""
    rows = page.locator("[data-member]:not(.off)")
    for row, weight in zip(rows.all()[:3], WEIGHTS, strict=True):
        row.locator("input[type=checkbox]").check()
        row.locator(".weight").fill(weight)
    rows.nth(1).locator("select").select_option("cuda")


def downloaded(page) -> bytes:
    with page.expect_download(timeout=PATIENCE_MS) as download:
        page.get_by_role("link", name="Download").click()
    return download.value.path().read_bytes()


def requests_within(page, ms: int) -> list[str]:
    """What the page asks for while nobody touches it."""
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(ms)
    return asked


def assert_devices_are_said(page) -> None:
    """Where CUDA is missing the model ran on the CPU, and the page says so."""
    asked = MemberOutcome.objects.filter(member__device="cuda").first()
    words = page.locator(".mdl").inner_text()
    assert "asked for cuda" in words
    assert asked.device_used.startswith("cuda") or asked.fallback in words


def test_from_upload_to_exports(visit, user, work):
    page = visit(reverse("imaging:upload-create"), user=user)
    page.set_input_files("#id_files", FILES)
    page.click(".seg label:has([value=xray])")
    page.click("[data-upload] [type=submit]")
    arrive(page, "uploads")
    expect(page.locator("#upload-status")).to_contain_text("Checking 2 files")
    work()
    expect(page.locator(".flag.good")).to_contain_text("2 images are ready", timeout=PATIENCE_MS)
    assert requests_within(page, 2500) == []
    page.get_by_role("button", name="Choose models and weights").click()

    choose_models(page)
    expect(page.locator("[data-share]").first).to_have_text("50.0 %")
    page.get_by_role("button", name="Start on 2 images").click()
    arrive(page, "runs")
    expect(page.locator("[role=status]", has_text="done")).to_have_text("0 of 2 done")
    work()
    expect(page.locator("#run-status")).to_contain_text("2 of 2 done", timeout=PATIENCE_MS)
    assert requests_within(page, 3000) == []

    page.get_by_role("link", name="Open result").first.click()
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    result = Result.objects.get(pk=page.url.rstrip("/").rsplit("/", 1)[1])
    expect(page.locator("[data-m=area_text]")).to_have_text(result.operating["area_text"])
    assert_devices_are_said(page)
    row = next(row for row in result.table if row["t"] == 0.2)
    page.locator("#th").fill(str(result.table.index(row)))  # the slider steps from row to row
    expect(page.locator("[data-m=area_text]")).to_have_text(row["area_text"])
    for row in result.table[::6]:
        counted = page.evaluate("t => window.mediscanViewer.count(t)", row["t"])
        assert counted == row["raw_px"], row["t"]

    page.click(".vtop details summary")
    page.get_by_role("button", name="PDF report").click()
    arrive(page, "exports")
    work()
    report = PdfReader(io.BytesIO(downloaded(page))).pages[0].extract_text()
    assert "Research use only" in report
    assert result.operating["area_text"] in report


def test_the_same_without_javascript(visit, user, work):
    page = visit(reverse("imaging:upload-create"), user=user, java_script_enabled=False)
    page.set_input_files("#id_files", FILES)
    page.check("[name=modality][value=xray]", force=True)
    page.click("[data-upload] [type=submit]")
    arrive(page, "uploads")
    assert page.locator("meta[http-equiv=refresh]").count() == 1
    work()
    page.reload()
    assert page.locator("meta[http-equiv=refresh]").count() == 0
    page.get_by_role("button", name="Choose models and weights").click()

    choose_models(page)
    page.get_by_role("button", name="Start on 2 images").click()
    arrive(page, "runs")
    assert page.locator("meta[http-equiv=refresh]").count() == 1
    progress = path_of(page)
    work()
    page.reload()
    assert page.locator("meta[http-equiv=refresh]").count() == 0
    expect(page.locator("#run-status")).to_contain_text("2 of 2 done")

    page.get_by_role("link", name="Open result").first.click()
    assert_devices_are_said(page)
    result = Result.objects.get(pk=page.url.rstrip("/").rsplit("/", 1)[1])
    page.locator("#th").fill("0.20")
    page.click("[data-apply]")
    page.wait_for_load_state()
    row = next(row for row in result.table if row["t"] == 0.2)
    expect(page.locator("[data-m=area_text]")).to_have_text(row["area_text"])

    made = {}
    for name in ("CSV", "Masks", "PDFs"):
        page.goto(page.url.replace(path_of(page), progress))
        page.get_by_role("button", name=name, exact=True).click()
        if name == "CSV":  # a file of many asks who it is, once in five minutes
            page.fill("[name=password]", PASSWORD)
            page.keyboard.press("Enter")
        arrive(page, "exports")
        work()
        page.reload()
        made[name] = downloaded(page)
    lines = [line for line in made["CSV"].decode("utf-8-sig").splitlines() if "chest-" in line]
    assert len(lines) == 2
    for name, start in (("Masks", b"\x89PNG"), ("PDFs", b"%PDF")):
        archive = zipfile.ZipFile(io.BytesIO(made[name]))
        assert archive.testzip() is None
        assert sum(archive.read(one).startswith(start) for one in archive.namelist()) == 2
