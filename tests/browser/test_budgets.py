"""U11 to U13: what the pages may cost. Times are printed, as machines differ; the rest is held."""

from __future__ import annotations

import re
import time

import pytest
from django.urls import reverse

from tests.accounts.factories import UserFactory
from tests.browser.costs import OWN_JS, WATCH, cost_of
from tests.browser.story import addresses_of_a_working_day, addresses_of_reviewing
from tests.browser.test_pages import ready

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MOST_JS, MOST_CSS, MOST_SHIFT = 25_000, 15_000, 0.01
LATE_S = 0.25
ENTRIES = re.compile(r"/static/js/(app|upload|password|select|worklist|viewer-page|run)\.js$")
AHEAD = ("dashboard", "worklist", "result, heatmap", "upload", "run form", "analytics", "runs")
OPEN = ("account_login", "account_signup")


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def pages(user, tmp_path, queued) -> dict[str, str]:
    day = addresses_of_a_working_day(user, tmp_path)
    named = {
        "dashboard": "/dashboard/",
        "analytics": reverse("analytics:overview"),
        "account": reverse("mfa_index"),
    }
    return named | day | addresses_of_reviewing(user, tmp_path)


def _watched(visit, user, **options):
    page = visit("/help/", user=user, **options)
    page.add_init_script(WATCH)
    return page, page.url.removesuffix("/help/")


def test_no_page_sends_more_than_its_share(visit, user, pages):
    page, origin = _watched(visit, user)
    asked, heavy = [], {}
    page.on("request", lambda request: asked.append(request.url))
    for name, address in pages.items():
        page.goto(origin + address)
        ready(page)
        page.wait_for_load_state("networkidle")
        cost = cost_of(page)
        print(f"{name}: {cost}")
        if cost.js > MOST_JS or cost.css > MOST_CSS:
            heavy[name] = str(cost)
    assert heavy == {}
    assert not [one for one in asked if re.search("niivue|volume.js", one)], "nothing 3-D is here"
    own = {one.split("/static/")[1] for one in asked if OWN_JS in one}
    assert not own & {"js/measure.js", "js/lens.js"}, "tools come when they are taken up"


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_moves_when_the_scripts_come_late(visit, user, pages, width):
    """Each script is held back, so that the page is painted before it: the worst order."""
    moved = {}
    for who, addresses in (
        (None, {name: reverse(name) for name in OPEN}),
        (user, {name: pages[name] for name in AHEAD}),
    ):
        page, origin = _watched(visit, who, width=width)
        page.route(ENTRIES, _late)
        for name, address in addresses.items():
            page.goto(origin + address)
            ready(page)
            page.wait_for_timeout(300)
            cost = cost_of(page)
            print(f"{width} px, {name}: {cost}")
            if cost.cls >= MOST_SHIFT:
                moved[name] = cost.moved
    assert moved == {}


def _late(route) -> None:
    time.sleep(LATE_S)
    route.continue_()
