"""The admin walked in German: every list, one page of each, accessible and never too wide."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.accounts.factories import StrangerFactory
from tests.browser.admin_story import addresses_of_the_admin, rows_of_the_admin
from tests.browser.conftest import session_cookie
from tests.browser.test_pages import faults
from tests.browser.test_policy import LISTEN

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DJANGOS_OWN = {"empty-table-header"}  # its tables of rows beside a row; a best practice, not WCAG
VIEWS = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_every_page_of_the_admin_in_german(browser, live_server, queued, width, scheme):
    operator = StrangerFactory(is_staff=True, is_superuser=True, language="de")
    rows_of_the_admin(operator)
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.add_init_script(LISTEN)
    context.add_cookies([session_cookie(operator, live_server.url, verified=True)])
    page, found = context.new_page(), {}
    for name, address in addresses_of_the_admin().items():
        page.goto(live_server.url + address)
        assert page.get_attribute("html", "lang") == "de"
        found[name] = page.evaluate("window.violations")  # before axe, which writes styles itself
        found[name] += [one for one in faults(page) if one[0] not in DJANGOS_OWN]
        if folder := os.environ.get("LOOK_AT"):
            file = f"admin-{name}-{width}-{scheme}.png".replace(" ", "-")
            page.screenshot(path=Path(folder) / file, full_page=True)
    context.close()
    assert {name: what for name, what in found.items() if what} == {}
