"""`make gallery`: every page in every state as a picture, wide and narrow, light and dark.

Beside the pictures, gallery/index.html shows them all, and what each page cost is printed:
largest contentful paint, layout shift, bytes (UX.md, U11 and U12).
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse

from accounts.roles import ADMINISTRATOR
from tests.accounts.factories import UserFactory
from tests.browser.story import addresses_of_a_working_day, addresses_of_reviewing
from tests.browser.test_governance import (  # noqa: F401  two of them are fixtures
    NEWCOMER,
    addresses,
    cookie,
    people,
)
from tests.browser.test_pages import ready

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FOLDER = Path(settings.BASE_DIR) / "gallery"
VIEWS = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]
OPEN_TO_ALL = (
    "home", "help", "account_login", "account_signup", "account_reset_password",
    "imaging:study-list",
)  # fmt: skip
FIGURES = ("analytics:overview", "analytics:models", "analytics:readers", "analytics:drift")
WATCH = """
window.paid = {lcp: 0, cls: 0};
new PerformanceObserver(list => { for (const one of list.getEntries()) paid.lcp = one.startTime; })
  .observe({type: "largest-contentful-paint", buffered: true});
new PerformanceObserver(list => { for (const one of list.getEntries()) paid.cls += one.value; })
  .observe({type: "layout-shift", buffered: true});
"""
COST = """() => {
  const files = performance.getEntriesByType("resource");
  const kb = kind => files.filter(file => file.name.split("?")[0].endsWith(kind))
    .reduce((sum, file) => sum + file.encodedBodySize, 0) / 1024;
  return {...paid, js: kb(".js"), css: kb(".css")};
}"""


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_the_day(visit, tmp_path, queued, width, scheme):
    user = UserFactory()
    shown = {name: reverse(name) for name in OPEN_TO_ALL}
    _walk(visit("/", width=width, color_scheme=scheme), "anonymous", shown, width, scheme)
    page = visit("/dashboard/", user=user, width=width, color_scheme=scheme)
    empty = {"dashboard, empty": "/dashboard/", "worklist, empty": reverse("imaging:study-list")}
    _walk(page, "work", empty, width, scheme)
    pages = addresses_of_a_working_day(user, tmp_path) | {"dashboard": "/dashboard/"}
    _walk(page, "work", pages, width, scheme)


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_the_reviewing(visit, tmp_path, queued, width, scheme):
    user = UserFactory()
    pages = addresses_of_reviewing(user, tmp_path)
    page = visit("/dashboard/", user=user, width=width, color_scheme=scheme)
    _walk(page, "reviewing", pages, width, scheme)


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_the_house(browser, live_server, people, addresses, width, scheme):  # noqa: F811
    for person, pages in addresses.items():
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=scheme)
        is_newcomer = person == NEWCOMER
        context.add_cookies([cookie(people[person], live_server.url, is_newcomer=is_newcomer)])
        page = context.new_page()
        page.goto(live_server.url + "/healthz/")
        figures = [reverse(name) for name in FIGURES] if person == ADMINISTRATOR else []
        _walk(page, person, {address: address for address in [*pages, *figures]}, width, scheme)
        context.close()


def _walk(page, person: str, pages: dict[str, str], width: int, scheme: str) -> None:
    """Open each address, save its picture, note its cost."""
    origin = re.match(r"https?://[^/]+", page.url)[0]
    page.add_init_script(WATCH)
    for name, address in pages.items():
        page.goto(origin + address)
        ready(page)
        page.wait_for_load_state("networkidle")
        cost = _cost(page)  # before the picture, which scrolls
        file = re.sub(r"[^a-z0-9]+", "-", f"{person} {name}".lower()).strip("-")
        file = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "id", file)
        path = FOLDER / f"{width}-{scheme}" / f"{file}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=path, full_page=True)
        _note(path, person, name, cost)


def _cost(page) -> dict[str, Any]:
    for _ in range(20):
        cost = page.evaluate(COST)
        if cost["lcp"]:
            break
        page.wait_for_timeout(100)  # the observer is told a little later
    return cost


def _note(path: Path, person: str, name: str, cost: dict[str, Any]) -> None:
    costs = (
        f"LCP {cost['lcp'] / 1000:.2f} s, CLS {cost['cls']:.4f}, "
        f"JS {cost['js']:.0f} KB, CSS {cost['css']:.0f} KB before compression"
    )
    print(f"{path.relative_to(FOLDER)}: {costs}")
    place = path.relative_to(FOLDER).as_posix()
    with (FOLDER / "index.html").open("a", encoding="utf-8") as index:
        index.write(
            f'<figure><a href="{place}"><img src="{place}" width="360" loading="lazy" alt=""></a>'
            f"<figcaption>{escape(person)}: {escape(name)}<br>{costs}</figcaption></figure>\n"
        )


@pytest.fixture(scope="module", autouse=True)
def _fresh_index():
    """Begin the page of all pictures anew."""
    FOLDER.mkdir(exist_ok=True)
    head = '<!doctype html><meta charset="utf-8"><title>MediScan, every page</title>\n'
    (FOLDER / "index.html").write_text(head, encoding="utf-8")
