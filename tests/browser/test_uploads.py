"""Sending files by hand: what is chosen, what is refused, and names that want to be code."""

from __future__ import annotations

import numpy as np
import pytest
from django.urls import reverse
from playwright.sync_api import expect

from accounts.selectors import home_organisation
from accounts.vault.storage import blob_open
from imaging.formats.png import encode_png
from imaging.models import Upload, UploadItem
from imaging.samples import chest_phantom
from imaging.services.joining import item_join
from imaging.services.parcels import Coming, upload_open
from imaging.services.pieces import PART_BYTES
from imaging.services.uploads import upload_ingest
from tests.accounts.factories import UserFactory
from tests.formats.factories import nifti_file
from tests.formats.series import ct_series, voxels, written

pytestmark = [
    pytest.mark.browser,
    pytest.mark.engine,
    pytest.mark.django_db(transaction=True),
]

PNG = encode_png(chest_phantom(64, 1))
HOSTILE = [
    "<img src=x onerror=document.title='owned'>.png",
    "\"><script>document.title='owned'</script>.png",
    "{{ 7*7 }}{% now 'Y' %}.png",
    "\u202egnp.exe.png",
    "../../../etc/passwd.png",
]
REFUSED = {
    "empty.png": b"",
    "notes.png": b"these are words",
    "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
    "cut.png": PNG[: len(PNG) // 2],
    "page.html": b"<!doctype html><p>hello",
}


@pytest.fixture
def page(visit):
    return visit(reverse("imaging:upload-create"), user=UserFactory())


def chosen(files: dict[str, bytes]) -> list[dict]:
    kind = "application/octet-stream"
    return [{"name": name, "mimeType": kind, "buffer": data} for name, data in files.items()]


def send(page, files: dict[str, bytes], modality: str = "xray") -> None:
    page.set_input_files("#id_files", chosen(files))
    page.click(f".seg label:has([value={modality}])")
    page.click("[data-upload] [type=submit]")
    page.wait_for_url(lambda url: "/uploads/new/" not in url)


def test_chosen_files_are_listed_and_can_be_taken_back(page):
    page.set_input_files("#id_files", chosen({"one.png": PNG, "two.png": PNG}))
    rows = page.locator("[data-queue] li")
    expect(rows.locator("bdi")).to_have_text(["one.png", "two.png"])
    rows.first.get_by_role("button").click()
    expect(rows.locator("bdi")).to_have_text(["two.png"])
    assert page.evaluate("document.querySelector('#id_files').files.length") == 1


def test_pictures_that_do_not_say_what_they_show_are_asked_about_before_sending(page):
    question = page.locator("[data-ask-modality]")
    page.set_input_files("#id_files", chosen({"one.dcm": b"x"}))
    expect(question).to_be_hidden()
    page.set_input_files("#id_files", chosen({"one.png": PNG}))
    expect(question).to_be_visible()
    page.click("[data-upload] [type=submit]")
    expect(page.locator("[name=modality]").first).to_be_focused()
    assert not Upload.objects.exists()
    page.click(".seg label:has([value=mri])")
    expect(question).to_be_hidden()


def test_dropped_files_join_the_chosen_ones(page):
    page.set_input_files("#id_files", chosen({"one.png": PNG}))
    page.evaluate("""() => {
      const files = new DataTransfer();
      files.items.add(new File(["x"], "dropped.png"));
      const drop = new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
      document.querySelector("[data-drop]").dispatchEvent(drop);
    }""")
    expect(page.locator("[data-queue] bdi")).to_have_text(["one.png", "dropped.png"])


def test_each_refused_file_has_one_sentence_and_nothing_of_it_is_run(page, work):
    send(page, REFUSED)
    work()
    expect(page.locator(".flag.bad")).to_contain_text("No file could be used")
    for name in REFUSED:
        row = page.locator(f"tbody tr:has(bdi:text-is('{name}'))")
        expect(row.locator(".chip")).to_have_text("Refused")
        reason = row.locator("td .sub").inner_text()
        assert name in reason
        assert reason.endswith(".")
        assert "Traceback" not in reason
    expect(page.get_by_role("button", name="Run an ensemble")).to_have_count(0)


def test_hostile_names_are_shown_and_do_nothing(page, work):
    send(page, dict.fromkeys(HOSTILE, PNG[:100]))
    work()
    expect(page.locator("tbody .chip:text('Refused')")).to_have_count(len(HOSTILE))
    shown = page.locator("tbody td.pt bdi").all_inner_texts()
    assert shown[0] == HOSTILE[0]
    assert "{{ 7*7 }}" in shown[2]
    assert "\u202e" not in shown[3]
    assert "/" not in shown[4]
    assert page.title() == "Upload · MediScan"
    assert page.locator("main img[src=x], main script:not([src])").count() == 0


def test_a_form_without_files_is_refused_by_the_browser_or_by_the_server(page):
    page.click("[data-upload] [type=submit]")
    assert page.url.endswith(reverse("imaging:upload-create"))
    page.evaluate("document.querySelector('[data-upload]').noValidate = true")
    page.click("[data-upload] [type=submit]")
    expect(page.locator(".errors")).to_contain_text("Choose at least one file.")
    assert page.title().startswith("Error:")


def test_a_folder_of_slices_becomes_one_volume_on_the_receipt(visit, tmp_path, queued):
    user = UserFactory()
    files = ct_series(voxels(depth=24, height=40, width=40))
    folder = tmp_path / "CD" / "series"
    folder.mkdir(parents=True)
    written(folder, files[:9] + files[10:])
    page = visit(reverse("imaging:upload-create"), user=user)
    page.set_input_files("[data-folder] input", tmp_path / "CD")
    expect(page.locator("[data-queue] li")).to_have_count(23)
    page.click("[data-upload] [type=submit]")
    page.wait_for_url(lambda url: "/uploads/new/" not in url)
    (call,) = queued
    upload_ingest(call[1])
    row = page.locator("table.files tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("CT, 23 slices, 0.6 × 0.8 × 2.5 mm")
    expect(row).to_contain_text("1 slice is missing between 9 and 11 and left empty.")
    row.locator("summary").click()
    expect(row.locator("details li")).to_have_count(23)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def take_two(route, taken: list) -> None:
    """Let two pieces through; the next one never gets an answer."""
    if len(taken) < 2:
        taken.append(route.request.url)
        route.continue_()


def choose_and_send(page, path) -> None:
    page.set_input_files("#id_files", path)
    page.click(".seg label:has([value=ct])")
    page.click("[data-upload] [type=submit]")


def test_an_upload_goes_on_after_the_page_was_loaded_anew(visit, tmp_path, queued):
    data = nifti_file(np.random.default_rng(1).integers(0, 255, (200, 320, 320), np.uint8))
    assert 2 * PART_BYTES < len(data) < 3 * PART_BYTES
    path = tmp_path / "Canary^Eva.nii"
    path.write_bytes(data)
    user = UserFactory()
    page = visit(reverse("imaging:upload-create"), user=user)
    taken: list = []
    page.route("**/pieces/", lambda route: take_two(route, taken))
    choose_and_send(page, path)
    expect(page.locator("[data-queue] .state")).to_have_text("81 %")
    for _ in range(300):  # shown as sent, then stored
        if UploadItem.objects.get().received == 2 * PART_BYTES:
            break
        page.wait_for_timeout(100)
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert kept.count("Canary") == 0
    assert "Canary" not in page.url
    leaving = []
    page.on("dialog", lambda dialog: (leaving.append(dialog.type), dialog.accept()))
    page.reload()
    page.unroute("**/pieces/")
    assert leaving == ["beforeunload"]
    expect(page.locator(".broken")).to_contain_text("16.8 MB of 20.5 MB are here")
    more = []
    page.on("request", lambda request: more.append(request.url))
    choose_and_send(page, path)
    page.wait_for_url(lambda url: "/uploads/new/" not in url)
    assert sum("/pieces/" in url for url in more) == 1
    assert queued == [("imaging.tasks.ingest_upload", str(Upload.objects.get().pk))]
    assert not leaving[1:]
    item_join(UploadItem.objects.get(), lambda: None)
    assert blob_open(UploadItem.objects.get().blob).read() == data


def test_a_page_says_what_is_left_of_the_plan_before_anything_is_sent(visit):
    user = UserFactory()
    plan = user.memberships.get().organisation.plan
    plan.storage_bytes = 1000
    plan.save()
    page = visit(reverse("imaging:upload-create"), user=user)
    expect(page.locator("form .use")).to_contain_text("0 B of 1 kB used, 1 kB left")
    expect(page.locator("[data-too-much]")).to_be_hidden()
    page.set_input_files("#id_files", chosen({"a.png": PNG + bytes(1000)}))
    expect(page.locator("[data-too-much]")).to_contain_text(f"plan “{plan.name}”")
    page.click(".seg label:has([value=xray])")
    page.click("[data-upload] [type=submit]")
    page.wait_for_url(lambda url: "/uploads/new/" not in url)
    expect(page.locator("table.files")).to_contain_text("An administrator can change the plan.")


def test_an_unfinished_upload_is_given_up_without_a_script(visit):
    user = UserFactory()
    upload_open(
        user=user, organisation=home_organisation(user), files=[Coming("a.dcm", 10, "0" * 64)]
    )
    page = visit(reverse("imaging:upload-create"), user=user, java_script_enabled=False)
    page.get_by_role("button", name="Give it up").click()
    expect(page.locator(".broken")).to_have_count(0)
    assert Upload.objects.get().finished_at is not None
