"""S18 in a browser: each role walks its pages, the admin too; the policy blocks nothing of ours."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from django.urls import reverse

from accounts.roles import RADIOLOGIST, ROLES
from tests.accounts.factories import UserFactory
from tests.browser.conftest import session_cookie
from tests.browser.story import addresses_of_a_working_day

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LISTEN = """
window.violations = [];
document.addEventListener('securitypolicyviolation', (event) => {
  if (event.disposition === 'enforce') window.violations.push(event.violatedDirective);
});
"""
LINKS = """() => [...document.querySelectorAll('a[href]')]
  .map((link) => link.href).filter((href) => href.startsWith(location.origin))"""
LEAVES = ("/logout/", "/content/", "/delete/", "/download/", "download=1", ".csv")
MOST_PAGES = 40
ONE = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+|\?.*")  # a row, or a filter
MOST_OF_A_KIND = 2


@pytest.fixture
def walk(live_server, browser):
    """Follow links from `starts`, signed in as `user`; return pages seen and what went wrong.

    Of pages that differ only by the row or the filter, two are enough.
    """

    def go(user, starts: list[str]) -> tuple[list[str], list[str]]:
        context, wrong, seen, kinds = browser.new_context(), [], [], Counter()
        context.add_init_script(LISTEN)
        if user is not None:
            context.add_cookies([session_cookie(user, live_server.url, verified=True)])
        page = context.new_page()
        page.on("console", lambda one: wrong.extend(_fault(one, page.url)))
        page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
        waiting = [live_server.url + start for start in starts]
        while waiting and len(seen) < MOST_PAGES:
            address = waiting.pop(0)
            kind = ONE.sub("*", address.removeprefix(live_server.url))
            if address in seen or kinds[kind] == MOST_OF_A_KIND:
                continue
            seen.append(address)
            kinds[kind] += 1
            page.goto(address)
            blocked = page.evaluate("window.violations")
            wrong.extend(f"{address}: {directive}" for directive in blocked)
            waiting += [
                link.split("#")[0]
                for link in page.evaluate(LINKS)
                if not any(part in link for part in LEAVES)
            ]
        context.close()
        return seen, wrong

    return go


def _fault(message, url: str) -> list[str]:
    """A page that may not be seen answers 403 or 404, which the console repeats and is meant."""
    answered = "Failed to load resource: the server responded with a status of 4"
    reported = message.text.startswith("[Report Only]")  # trusted types block nothing yet
    if message.type not in ("error", "warning") or message.text.startswith(answered) or reported:
        return []
    return [f"{url}: {message.text}"]


@pytest.mark.parametrize("role", [None, *ROLES])
def test_a_role_walks_the_house_without_a_violation(walk, role, tmp_path, queued):
    user = UserFactory(role=role) if role else None
    starts = [reverse("home"), reverse("account_login")]
    if role == RADIOLOGIST:
        starts = list(addresses_of_a_working_day(user, tmp_path).values())
    elif role:
        starts += [reverse("analytics:dashboard"), reverse("imaging:study-list")]
    seen, wrong = walk(user, starts)
    assert wrong == []
    assert len(seen) >= 3


def test_an_administrator_walks_the_admin_without_a_violation(walk, tmp_path, queued):
    user = UserFactory(is_staff=True, is_superuser=True)
    addresses_of_a_working_day(user, tmp_path)
    seen, wrong = walk(user, [reverse("admin:index"), reverse("admin:imaging_run_changelist")])
    assert wrong == []
    assert sum("/admin/" in one for one in seen) > 20
