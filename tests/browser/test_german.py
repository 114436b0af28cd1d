"""A result in German: its reasons, its table under the slider, the list of keys."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.accounts.factories import UserFactory
from tests.browser.story import drawn_result
from tests.browser.test_pages import faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ENGLISH = re.compile(r"\b(because|above|below|whole image|circularity|The models|ran on CPU)\b")


def test_what_was_stored_in_english_is_read_in_german(visit, tmp_path, queued):
    user = UserFactory(language="de")
    result = drawn_result(user, tmp_path)
    assert ENGLISH.search(result.severity_reason)
    page = visit(result.get_absolute_url(), user=user)
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    why = page.locator("#why")
    for index in (3, 9, 15):  # the browser's own rows as the server's first
        assert ENGLISH.findall(page.locator("main, aside").all_inner_texts()[0]) == []
        assert ENGLISH.findall(why.inner_text()) == []
        expect(why).to_contain_text("Gesamtbild")
        page.locator("#th").fill(str(index))
    page.keyboard.press("Escape")
    page.locator("[data-help]").click()
    keys = page.locator("[data-shortcut-list]")
    expect(keys).to_contain_text("Maske an oder aus")
    assert not re.search(
        r"\b(on or off|Threshold|Opacity|Pan|Accept|This list)\b", keys.inner_text()
    )
    assert faults(page) == []
    if folder := os.environ.get("LOOK_AT"):
        page.keyboard.press("Escape")
        page.screenshot(path=Path(folder) / "german.png")
