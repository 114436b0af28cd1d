"""The worklist in a browser: by keyboard, a choice that lasts, long names, a phone, no script."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from accounts.models import Organisation
from accounts.vault.fields import blind_index
from imaging.models import Patient, Study
from tests.accounts.factories import UserFactory
from tests.browser.story import drawn_result, three_models
from tests.imaging.factories import (
    EnsembleFactory,
    ImageFactory,
    JobFactory,
    ReviewFactory,
    RunFactory,
    StudyFactory,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LIST = reverse("imaging:study-list")
LONG = "x" * 200 + ".png"


@pytest.fixture
def user():
    return UserFactory(name="Hanna Karlsen")


@pytest.fixture
def day(user, tmp_path):
    """One study in each state that a row can have; the failed one carries an endless name."""
    models = three_models()
    EnsembleFactory(title="Lung fields, three models")
    high = drawn_result(user, tmp_path, models=models)
    low = drawn_result(user, tmp_path, models=models, threshold=0.9)
    ReviewFactory(result=low, author=user)
    run = RunFactory(requested_by=user, versions=models, title="Lung fields " + "y" * 180)
    failed = ImageFactory(user=user)
    JobFactory(run=run, image=failed, failed=True, error=f"Model “{models[0].name}” 1.0.0 broke.")
    live = JobFactory(run=run, running=True, step="Model 2 of 3, lungs-unet", steps_total=3)
    StudyFactory(user=user)
    for number, study in enumerate(Study.objects.all()):
        study.title = LONG if study.pk == failed.study_id else "Chest PA"
        study.save(update_fields=["title"])
        patient = Patient.objects.get(pk=study.patient_id)
        patient.name, patient.record_number = f"OKAFOR^AMARA {number}", f"MRN-4021{number}"
        patient.mrn_index = blind_index(patient.organisation, "record_number", f"MRN-4021{number}")
        patient.save()
    Study.objects.filter(pk=high.image.study_id).update(reader=user)
    house = high.organisation
    UserFactory(organisation=house, name="Mei Sato")
    return {"high": high, "low": low, "failed": failed, "live": live}


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
)
def test_nothing_runs_over_and_nobody_is_kept_out(visit, user, day, width, scheme):
    page = visit(LIST, user=user, width=width, height=900, color_scheme=scheme)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0


def focused_row(page) -> str:
    return page.evaluate("document.activeElement.closest('[data-row]')?.dataset.row ?? ''")


def test_rows_are_walked_ticked_and_opened_by_key(visit, user, day):
    page = visit(LIST, user=user)
    rows = page.locator("[data-row]")
    first, second = (rows.nth(n).get_attribute("data-row") for n in (0, 1))
    page.keyboard.press("j")
    assert focused_row(page) == first
    page.keyboard.press("j")
    assert focused_row(page) == second
    page.keyboard.press("k")
    assert focused_row(page) == first
    ring = page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
    assert ring >= 2
    page.keyboard.press("x")
    expect(page.locator("[data-select-count]")).to_have_text("1 selected")
    page.keyboard.press("/")
    page.keyboard.type("jkxr")
    assert page.locator("#q").input_value() == "jkxr"
    page.keyboard.press("Tab")
    page.locator("h1").click()
    page.keyboard.press("?")
    listed = page.locator("[data-shortcut-list]").inner_text()
    assert [one in listed for one in ("J", "K", "X", "Enter", "R", "/", "?")] == [True] * 7
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{page.url.split('/worklist')[0]}{day['high'].get_absolute_url()}")


def test_keys_that_are_turned_off_do_nothing(visit, user, day):
    page = visit(LIST, user=user)
    page.keyboard.press("?")
    with page.expect_response(lambda answer: answer.url.endswith(reverse("account-preference"))):
        page.get_by_label("Keyboard shortcuts are on").uncheck()
    page.keyboard.press("Escape")
    for _ in range(2):
        for key in "jx?":
            page.keyboard.press(key)
        assert focused_row(page) == ""
        assert not page.locator("[data-shortcuts]").is_visible()
        expect(page.locator("[data-select-count]")).to_have_text("Nothing selected")
        page.reload()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_label("Keyboard shortcuts are on").check()
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("j")
    assert focused_row(page)


def test_a_view_is_named_and_forgotten_without_script(visit, user, day):
    page = visit(LIST + "?state=failed", user=user, java_script_enabled=False)
    page.get_by_label("Name of the view").fill("Broken ones")
    page.get_by_role("button", name="Save as view").click()
    tab = page.get_by_role("link", name="Broken ones")
    assert tab.get_attribute("aria-current") == "page"
    assert tab.locator(".n").inner_text() == "1"
    page.get_by_role("button", name="Forget the view Broken ones").click()
    assert page.get_by_role("link", name="Broken ones").count() == 0


def test_r_runs_what_is_ticked(visit, user, day):
    page = visit(LIST, user=user)
    page.keyboard.press("j")
    page.keyboard.press("r")
    expect(page.locator("h1")).to_have_text("Run an ensemble")
    expect(page.locator(".strip li")).to_have_count(1)


def test_a_choice_outlives_sort_filter_and_reload(visit, user, day):
    page = visit(LIST, user=user)
    for n in (0, 2):
        page.locator("[data-row] [name=study]").nth(n).check()
    count = page.locator("[data-select-count]")
    expect(count).to_have_text("2 selected")
    page.get_by_role("link", name="Uploaded").click()
    expect(count).to_have_text("2 selected")
    page.goto(page.url.split("?")[0] + "?view=failed")
    expect(count).to_have_text("2 selected")
    page.reload()
    expect(count).to_have_text("2 selected")
    page.get_by_role("button", name="Run ensemble").click()
    expect(page.locator(".strip li")).to_have_count(2)


def test_without_script_a_tab_a_filter_a_chip_and_many_at_once(visit, user, day):
    page = visit(LIST, user=user, java_script_enabled=False)
    page.get_by_role("link", name="Needs review").click()
    assert page.locator("[data-row]").count() == 1
    page.goto(page.url.split("?")[0])
    page.locator("#state").select_option("failed")
    page.get_by_role("button", name="Apply").click()
    assert page.locator("[data-row]").count() == 1
    page.get_by_role("link", name="Remove filter State: Failed").click()
    assert page.locator("[data-row]").count() == 5
    for box in page.locator("[name=study]").all():
        box.check()
    page.locator("#assign-to").select_option(label="Mei Sato")
    page.get_by_role("button", name="Assign").click()
    expect(page.locator(".toast .msg")).to_have_text("5 studies assigned to Mei Sato.")
    page.locator("#q").fill("MRN-40210")
    page.locator("#q").press("Enter")
    assert "40210" not in page.url
    assert "/studies/" in page.url


def test_long_names_break_no_page(visit, user, day):
    for width in (1280, 390, 320):
        page = visit(LIST, user=user, width=width)
        origin = page.url.removesuffix(LIST)
        for address in (LIST, day["live"].run.get_absolute_url(), reverse("imaging:run-list")):
            page.goto(origin + address)
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, (address, width)
            hidden = page.evaluate(OUT_OF_SIGHT)
            assert hidden == [], (address, width)


OUT_OF_SIGHT = """() => [...document.querySelectorAll("main a, main button")].filter((one) => {
  const box = one.getBoundingClientRect();
  const out = box.left < 0 || box.right > innerWidth + 1;
  return box.width && !one.closest(".tabs, .vh, thead") && out;
}).map((one) => one.textContent.trim().slice(0, 40))"""


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_reader_reads_first(visit, user, day, width, scheme):
    """U23 in a browser: the picture alone, the words, then the result with both."""
    Organisation.objects.filter(pk=day["high"].organisation_id).update(read_first=True)
    page = visit(LIST, user=user, width=width, color_scheme=scheme, java_script_enabled=False)
    assert "25.52" not in page.content()
    page.get_by_role("link", name="Read", exact=True).first.click()
    assert page.locator(".flat img").evaluate("one => one.naturalWidth") == 96
    page.get_by_label("What do you see?").fill("Two lungs, clear.")
    page.get_by_role("button", name="Save and see the result").click()
    assert "Two lungs, clear." in page.locator("#decision").inner_text()
