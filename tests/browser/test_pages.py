"""The work pages in every state: accessible in both themes, nothing wider than a small screen."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from imaging.models import Study
from tests.accounts.factories import UserFactory
from tests.browser.story import addresses_of_a_working_day, addresses_of_reviewing
from tests.imaging.factories import ImageFactory, ModelVersionFactory
from tests.shell.test_browser import violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EMPTY = ["imaging:study-list", "imaging:run-list", "imaging:model-list", "reports:export-list"]


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def addresses(user, tmp_path, queued):
    return addresses_of_a_working_day(user, tmp_path)


def ready(page) -> None:
    """Wait until a page that draws has drawn."""
    if page.locator("#viewer-config").count():
        expect(page.locator("html[data-viewer]")).to_be_attached()
    if page.locator("[data-paint-form]").count():
        expect(page.locator("html[data-paint=ready]")).to_be_attached()


def look(visit, user, addresses: dict[str, str], check, **options) -> dict:
    """Return what `check` finds on each page, by name; what finds nothing is left out."""
    page = visit(addresses["worklist"], user=user, **options)
    origin = page.url.removesuffix(addresses["worklist"])
    found = {}
    for name, address in addresses.items():
        page.goto(origin + address)
        ready(page)
        found[name] = check(page)
    return {name: what for name, what in found.items() if what}


def excess(page) -> int:
    """Pixels by which a page is wider than the screen."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def faults(page) -> list:
    """What axe finds, and a page that is too wide; a narrow one is narrowed further, to 320 px."""
    found, size = violations(page), page.viewport_size
    if size["width"] < 400:
        page.set_viewport_size({**size, "width": 320})
    found += [f"{excess(page)} px too wide"] if excess(page) else []
    page.set_viewport_size(size)
    return found


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light")])
def test_axe_finds_nothing_and_nothing_is_too_wide(visit, user, addresses, width, scheme):
    assert look(visit, user, addresses, faults, width=width, color_scheme=scheme) == {}


BETWEEN = (1099, 1024, 861, 860, 794, 761)
WIDEST = """() => [...document.querySelectorAll('main *, header *')]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
  .slice(-3).map((one) => `${one.tagName} ${one.className}`).join(', ')"""


def too_wide(page) -> list:
    found = []
    for width in BETWEEN:
        page.set_viewport_size({"width": width, "height": 900})
        if excess(page) > 0:
            found.append(f"{width}: {excess(page)} px, {page.evaluate(WIDEST)}")
    return found


def test_nothing_scrolls_sideways_between_a_phone_and_a_desk(visit, user, addresses, tmp_path):
    for study in Study.objects.all():
        study.title = "hippocampus-of-a-long-series (second reading, corrected).nii.gz"
        study.save(update_fields=["title"])
    pages = addresses | addresses_of_reviewing(user, tmp_path)
    assert look(visit, user, pages, too_wide) == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_empty_pages_are_accessible_and_lead_on(visit, user, scheme):
    addresses = {name: reverse(name) for name in EMPTY}
    some = {"worklist": reverse("imaging:study-list")} | addresses
    assert look(visit, user, some, violations, color_scheme=scheme) == {}


def test_the_bulk_bar_is_calm_until_something_is_ticked(visit, user, addresses):
    page = visit(addresses["worklist"], user=user)
    bar = page.locator(".bulk")
    expect(bar.locator("b")).to_have_text("Nothing selected")
    expect(bar.get_by_role("button", name="Run ensemble")).to_be_disabled()
    calm = bar.evaluate("bar => getComputedStyle(bar).backgroundColor")
    page.locator("tbody input[type=checkbox]").first.check()
    expect(bar.locator("b")).to_have_text("1 selected")
    assert bar.evaluate("bar => getComputedStyle(bar).backgroundColor") != calm
    page.check("[data-select-all]")
    count = page.locator("tbody input[type=checkbox]").count()
    expect(bar.locator("b")).to_have_text(f"{count} selected")


def test_ticked_studies_are_run_without_javascript(visit, user, addresses):
    page = visit(addresses["worklist"], user=user, java_script_enabled=False)
    expect(page.locator("[data-select-all]")).to_be_hidden()
    for box in page.locator("tbody input[type=checkbox]").all()[:2]:
        box.check()
    page.click("text=Run ensemble")
    expect(page.locator("#im")).to_have_text("2 images")


def test_shares_follow_the_weights_as_they_are_typed(visit, user):
    image = ImageFactory(user=user)
    for name in ("first", "second"):
        ModelVersionFactory(name=name)
    page = visit(f"{reverse('imaging:run-create')}?image={image.pk}", user=user)
    rows = page.locator("[data-member]")
    for row, weight in zip(rows.all(), ("1", "3"), strict=True):
        row.locator("input[type=checkbox]").check()
        row.locator(".weight").fill(weight)
    expect(rows.locator("[data-share]")).to_have_text(["25.0 %", "75.0 %"])
    rows.nth(1).locator("input[type=checkbox]").uncheck()
    expect(rows.locator("[data-share]")).to_have_text(["100.0 %", "—"])


@pytest.mark.parametrize("scripts", [True, False])
def test_a_wrong_run_says_so_and_keeps_what_was_typed(visit, user, scripts):
    image, model = ImageFactory(user=user), ModelVersionFactory()
    address = f"{reverse('imaging:run-create')}?image={image.pk}"
    page = visit(address, user=user, java_script_enabled=scripts)
    page.locator("[name=member]").check()
    page.fill(f"[name=weight_{model.pk}]", "0")
    page.fill("#id_save_as", "night-shift")
    page.click("text=Start on 1 image")
    page.wait_for_load_state()
    assert page.title().startswith("Error:")
    expect(page.locator(".errors:focus")).to_contain_text("All weights are zero")
    assert page.input_value(f"[name=weight_{model.pk}]") == "0"
    assert page.input_value("#id_save_as") == "night-shift"
    if scripts:  # axe is a script itself
        assert violations(page) == []


def test_a_model_that_does_not_fit_is_shown_with_the_reason(visit, user, addresses):
    page = visit(addresses["run form, nothing fits"], user=user)
    expect(page.locator("[data-member] .why").first).to_contain_text("made for X-ray")
    assert page.locator("[name=member]:enabled").count() == 0
    expect(page.get_by_role("button", name="Start on 1 image")).to_be_disabled()
