"""The two pages of the API in a browser: drawn from our own files under the strict policy."""

from __future__ import annotations

import pytest

from tests.accounts.factories import UserFactory
from tests.browser.conftest import session_cookie

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LOGO = "img-src https://cdn.redoc.ly/redoc/logo-mini.svg"  # its maker's, and not fetched
LISTEN = """
window.violations = [];
document.addEventListener('securitypolicyviolation', (event) => {
  if (event.disposition === 'enforce')
    window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""


@pytest.mark.parametrize(
    ("path", "drawn", "kept_out"),
    [("/docs", ".opblock-tag", []), ("/redoc", "[data-section-id]", [LOGO])],
)
def test_the_description_is_drawn_and_nothing_is_blocked(
    live_server, browser, path, drawn, kept_out
):
    user = UserFactory()
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(LISTEN)
    context.add_cookies([session_cookie(user, live_server.url, verified=True)])
    page = context.new_page()
    foreign = []
    page.on(
        "requestfinished",
        lambda one: (
            foreign.append(one.url)
            if not one.url.startswith((live_server.url, "data:", "blob:"))
            else None
        ),
    )
    page.goto(live_server.url + path)
    page.wait_for_selector(drawn, timeout=60_000)
    assert page.locator(drawn).count() > 8
    assert page.evaluate("window.violations") == kept_out
    assert foreign == []
    context.close()
