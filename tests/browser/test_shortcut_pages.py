"""U9: what the help lists of each page's keys is what the page itself obeys, key by key."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import expect

from imaging.models import ModelVersion, Result
from mediscan.shortcut_pages import PAGES
from tests.accounts.factories import UserFactory
from tests.browser.story import addresses_of_reviewing, drawn_result
from tests.imaging.factories import ImageFactory, JobFactory, ResultFactory, ReviewFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ROWS = """() => [...document.querySelectorAll("[data-shortcut-list] dt")]
  .map(dt => [dt.textContent, dt.nextElementSibling.textContent])"""
LISTED = {page.slug: set(page.said()) for page in PAGES}
COUNTED = {"Several slices back", "Several slices on"}  # a page knows how many


def shown(page) -> set[tuple[str, str]]:
    """The keys of the page's own list, written as the help writes them."""
    expect(page.locator("html[data-viewer]")).to_be_attached()
    assert page.get_attribute("html", "data-viewer") == "webgl"
    found = set()
    for key, words in page.evaluate(ROWS):
        if re.fullmatch(r"[1-5]", key):
            key, words = "1–5", "The windows of the list, in its order"
        found.add((key, re.sub(r"^\d+ slices", "Several slices", words)))
    return found


def test_the_worklist(visit, tmp_path):
    user = UserFactory()
    drawn_result(user, tmp_path)
    page = visit(reverse("imaging:study-list"), user=user)
    expect(page.locator("[data-shortcut-list] dt")).to_have_count(len(LISTED["worklist"]))
    assert {tuple(row) for row in page.evaluate(ROWS)} == LISTED["worklist"]


def test_results_comparisons_and_planes(visit, tmp_path, queued):
    user = UserFactory()
    pages = addresses_of_reviewing(user, tmp_path)
    kinds = {(one.type, one.image.depth > 1): one for one in Result.objects.all()}
    first = kinds["segmentation", False]
    job = JobFactory(run=first.job.run, image=ImageFactory(user=user), succeeded=True, position=1)
    second = ResultFactory(job=job)
    ReviewFactory(result=second, author=user)  # there is something to sign
    read = UserFactory(read_first=True)
    models = list(ModelVersion.objects.filter(name__startswith="lungs-"))
    unread = drawn_result(read, tmp_path, models=models)
    own = [one.get_absolute_url() for one in (*kinds.values(), second)]
    sets = {
        "result": own,
        "compare": [address for name, address in pages.items()
                    if name.startswith("compare, ") and name != "compare, the list"],
        "planes": [pages["planes"]],
    }  # fmt: skip
    for slug, addresses in sets.items():
        found = set()
        for address in addresses:
            found |= shown(visit(address, user=user))
        if slug == "result":
            page = visit(reverse("imaging:image-read", args=[unread.image_id]), user=read)
            found |= shown(page)
        assert found == LISTED[slug], slug


def test_no_key_does_two_things_on_one_page():
    for page in PAGES:
        twice = [key for key, _ in page.rows]
        allowed = {"↑", "↓"} if page.slug in ("result", "compare") else set()
        assert {key for key in twice if twice.count(key) > 1} <= allowed, page.slug


def test_painting_obeys_what_is_listed():
    text = (settings.BASE_DIR / "static/js/paint.js").read_text(encoding="utf-8")
    letters = re.search(r"const LETTERS = \{(.*?)\};", text)[1]
    slices = re.search(r"const OF_SLICES = \{(.*?)\};", text)[1]
    leaves = re.search(r"const LEAVES = \{(.*?)\};", text)[1]
    called = re.findall(r'(?:^|,)\s*"?([a-zA-Z+\[\]-]+)"?:', f"{letters}, {slices}, {leaves}")
    listed = {key for key, _ in LISTED["paint"]} - {"←→↑↓", "Space"}
    assert {key.upper() if len(key) == 1 else key for key in called} - {
        "Shift+PageUp", "Shift+PageDown"
    } == listed  # fmt: skip
