"""Printing a result in a real browser: the server hears of it first, then the dialog opens."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import expect

from accounts.models import AuditEvent
from tests.accounts.factories import UserFactory
from tests.browser.story import drawn_result

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PICTURES = os.environ.get("PRINTING_PICTURES", "")  # a folder, for whoever wants to look
HEARD = "document.documentElement.dataset.dialogs"
COUNT = f"window.print = () => {{ {HEARD} = Number({HEARD} || 0) + 1 }}"


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def result(user, tmp_path):
    return drawn_result(user, tmp_path)


def printed() -> int:
    return AuditEvent.objects.filter(action="result.print").count()


def test_the_dialog_opens_once_it_is_written_down_and_not_again(visit, user, result):
    page = visit(result.get_absolute_url(), user=user)
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    page.add_init_script(COUNT)
    page.locator("label[for=ov-off], #ov-off").first.check(force=True)
    page.get_by_role("button", name="Print").click()
    expect(page.locator("html[data-dialogs='1']")).to_be_attached()
    assert printed() == 1
    assert "mode=off" in page.url, "what is printed is what was on the screen"
    assert page.url.endswith("#print") is False
    page.reload()
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    assert page.evaluate(HEARD) is None
    assert printed() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_javascript_the_page_says_that_it_is_written_down(visit, user, result, scheme):
    page = visit(
        result.get_absolute_url(), user=user, java_script_enabled=False, color_scheme=scheme
    )
    expect(page.locator("#print")).to_be_hidden()
    page.get_by_role("button", name="Print").click()
    expect(page.locator("#print")).to_be_visible()
    assert printed() == 1
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/printing-{scheme}.png")
    page.emulate_media(media="print")
    expect(page.locator("#print")).to_be_hidden()
