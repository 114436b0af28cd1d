"""`make gallery`: every page in every state as a picture, wide and narrow, light and dark.

Beside the pictures, gallery/index.html shows them all; a dozen main pages are also seen at
320 px, right to left, in German and on paper. Each page in each look is read by axe
(U5) and may not shift (U11). What each cost is printed in the end: largest contentful paint,
layout shift, bytes (UX.md, U11 and U12).
"""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from django.urls import reverse

from tests.accounts.factories import UserFactory
from tests.browser import gallery_walk
from tests.browser.gallery_walk import OTHERS, VIEWS, walk
from tests.browser.story import (
    addresses_of_a_working_day,
    addresses_of_reviewing,
    addresses_of_signing,
    drawn_result,
    show_thumbnails,
)
from tests.browser.test_governance import (  # noqa: F401  two of them are fixtures
    NEWCOMER,
    addresses,
    cookie,
    people,
)
from tests.pseudo import RIGHT_TO_LEFT, spoken

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OPEN_TO_ALL = (
    "home", "help", "help-shortcuts", "account_login", "account_signup", "account_reset_password",
    "imaging:study-list",
)  # fmt: skip
MAIN = (
    "dashboard", "worklist", "upload", "receipt", "study", "run form", "runs",
    "run, done with a failure", "result, heatmap", "models", "exports",
)  # fmt: skip
MAIN_OF_REVIEWING = ("compare, masks", "planes", "result of a volume", "paint")


@pytest.fixture(scope="module", autouse=True)
def _whole():
    gallery_walk.begin()
    yield
    print("\n" + gallery_walk.table())


@pytest.mark.parametrize("look", VIEWS, ids=str)
def test_the_day(visit, tmp_path, queued, look):
    user = UserFactory()
    shown = {name: reverse(name) for name in OPEN_TO_ALL}
    walk(visit("/", **look.options), "anonymous", shown, look)
    page = visit("/dashboard/", user=user, **look.options)
    empty = {"dashboard, empty": "/dashboard/", "worklist, empty": reverse("imaging:study-list")}
    walk(page, "work", empty, look)
    pages = addresses_of_a_working_day(user, tmp_path) | {"dashboard": "/dashboard/"}
    walk(page, "work", pages, look)


@pytest.mark.parametrize("look", VIEWS, ids=str)
def test_the_reviewing(visit, tmp_path, queued, look):
    user, first = UserFactory(), UserFactory(read_first=True)
    pages = addresses_of_reviewing(user, tmp_path) | addresses_of_signing(user, tmp_path)
    walk(visit("/dashboard/", user=user, verified=True, **look.options), "reviewing", pages, look)
    unread = drawn_result(first, tmp_path)
    show_thumbnails()
    page = visit("/dashboard/", user=first, verified=True, **look.options)
    walk(page, "reviewing", {"read first": unread.get_absolute_url()}, look)


@pytest.mark.parametrize("look", OTHERS, ids=str)
def test_the_main_pages_otherwise(visit, tmp_path, queued, look):
    user = UserFactory(language=look.language)
    day = addresses_of_a_working_day(user, tmp_path) | {"dashboard": "/dashboard/"}
    reviewing = addresses_of_reviewing(user, tmp_path)
    pages = {name: day[name] for name in MAIN} | {
        name: reviewing[name] for name in MAIN_OF_REVIEWING
    }
    with spoken(RIGHT_TO_LEFT) if look.language == RIGHT_TO_LEFT else nullcontext():
        walk(visit("/dashboard/", user=user, **look.options), "main", pages, look)


@pytest.mark.parametrize("look", VIEWS, ids=str)
def test_the_house(browser, live_server, people, addresses, look):  # noqa: F811
    for person, pages in addresses.items():
        size = {"width": look.width, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=look.scheme)
        is_newcomer = person == NEWCOMER
        context.add_cookies([cookie(people[person], live_server.url, is_newcomer=is_newcomer)])
        page = context.new_page()
        page.goto(live_server.url + "/healthz/")
        walk(page, person, {address: address for address in pages}, look)
        context.close()
