"""The figures as people see them: wide, narrow, dark, on paper, by keyboard, without a script."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from accounts import roles
from tests.accounts.factories import MembershipFactory, OrganisationFactory, UserFactory
from tests.analytics.crowd import crowd, failures
from tests.imaging.factories import ModelVersionFactory
from tests.shell.test_browser import violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGES = ("/analytics/", "/analytics/models/", "/analytics/readers/", "/analytics/drift/")
PICTURES = os.environ.get("ANALYTICS_PICTURES", "")  # a folder, for whoever wants to look


@pytest.fixture
def head(db):
    """An administrator of a house with two months of work."""
    house = OrganisationFactory(name="Nordlys")
    reader = UserFactory(organisation=house)
    models = [ModelVersionFactory(name=f"unet-r{n}") for n in (18, 34, 50)]
    dice = ((0, 1, 0.91), (0, 2, 0.78), (1, 2, 0.66))
    pairs = [{"a": models[a].name, "b": models[b].name, "dice": value} for a, b, value in dice]
    agreement = {"pairwise_dice": pairs, "mean_dice": 0.78, "disagree": False}
    kinds = ("xray", "xray", "ct", "mri")
    crowd(240, reader=reader, models=models, step=timedelta(hours=6), title="Chest X-ray",
          agreement=agreement, modality_of=lambda at: kinds[at % 4],
          seconds_of=lambda at: 30 + at * 37 % 120)  # fmt: skip
    crowd(40, reader=reader, step=timedelta(hours=9), title="CT lung nodules",
          review_of=lambda at: ("accepted", "edited")[at % 2])  # fmt: skip
    failures(3, reader=reader, error="Out of memory on every device: the image has 512 slices.")
    failures(1, reader=reader, error="unet-r18: its file is not the one that was approved.")
    return MembershipFactory(organisation=house, role=roles.ADMINISTRATOR).user


def picture(page, name: str) -> None:
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark"), (390, "light")])
def test_no_page_is_wider_than_its_window_or_breaks_a_rule(visit, head, width, scheme):
    page = visit(PAGES[0], user=head, verified=True, width=width, color_scheme=scheme)
    for address in PAGES:
        page.goto(page.url.split("/analytics")[0] + address)
        name = address.strip("/").replace("/", "-")
        picture(page, f"{name}-{width}-{scheme}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert violations(page) == []
        for summary in page.locator("details.tbl summary").all():
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert violations(page) == []
    picture(page, f"tables-{width}-{scheme}")


def test_the_empty_pages_say_why(visit):
    page = visit(PAGES[0], user=UserFactory())
    picture(page, "empty")
    assert page.get_by_text("Not enough data (n = 0)").count() == 6
    assert violations(page) == []


def test_filters_work_by_keyboard_without_a_script(visit, head):
    page = visit(PAGES[0], user=head, verified=True, java_script_enabled=False)
    page.get_by_label("Modality").select_option("ct")
    page.get_by_role("button", name="Apply").press("Enter")
    assert "modality=ct" in page.url
    assert ", CT" in page.locator(".scope").inner_text()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).first.click()
    assert download.value.suggested_filename == "mediscan-overview.csv"


def test_on_paper_the_charts_are_there_and_the_buttons_are_not(visit, head):
    page = visit(PAGES[0], user=head, verified=True)
    page.emulate_media(media="print")
    picture(page, "print")
    assert page.locator("svg.ch").first.is_visible()
    assert page.locator(".scope").is_visible()
    assert not page.locator("form.filters").is_visible()
