"""The page of the letterhead: what is in use, the draft, the form; accessible at each width."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from django.urls import reverse
from PIL import Image

from accounts.roles import ADMINISTRATOR
from reports.models import Letterhead
from tests.accounts.factories import OrganisationFactory, UserFactory
from tests.browser.test_pages import faults
from tests.imaging.factories import stored
from tests.reports.factories import LetterheadFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
VIEWS = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]
WORDS = {
    "heading": "Hospital in the Wood",
    "address": "Department of Radiology\nWood Street 1, 12345 Town",
    "closing": "Ask the ward for what you do not understand.",
}


@pytest.fixture
def administrator(queued):
    house = OrganisationFactory()
    sink = io.BytesIO()
    Image.new("RGB", (300, 90), "navy").save(sink, "PNG")
    logo, specimen = (
        stored(house, data, "letterhead") for data in (sink.getvalue(), b"%PDF-specimen")
    )
    for fields in ({"used": True}, {"used": True}, {}):
        LetterheadFactory(organisation=house, logo=logo, specimen=specimen, **WORDS, **fields)
    return UserFactory(organisation=house, role=ADMINISTRATOR)


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_it_reads_well_at_each_width(visit, administrator, width, scheme):
    page = visit(reverse("reports:letterhead"), user=administrator, verified=True, width=width,
                 color_scheme=scheme)  # fmt: skip
    assert page.locator(".paper img").first.evaluate("one => one.naturalWidth") == 300
    assert faults(page) == []
    if folder := os.environ.get("LOOK_AT"):
        page.screenshot(path=Path(folder) / f"letterhead-{width}-{scheme}.png", full_page=True)


def test_a_draft_is_put_into_use_without_a_script(visit, administrator):
    page = visit(
        reverse("reports:letterhead"), user=administrator, verified=True, java_script_enabled=False
    )
    page.get_by_role("button", name="Put it into use").click()
    assert "Signed reports keep" in page.locator("main, header").all_inner_texts()[0]
    assert Letterhead.objects.filter(used_at=None).count() == 0
