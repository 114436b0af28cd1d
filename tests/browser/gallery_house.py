"""The rest of `make gallery`: keeping, cohorts, letterhead, figures, and what goes wrong."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory
from django.urls import reverse

from mediscan import views
from tests.browser import gallery_walk
from tests.browser.gallery_walk import VIEWS, walk
from tests.browser.refused_world import build_for_refusals
from tests.browser.test_analytics import PAGES, head
from tests.browser.test_cohorts import world
from tests.browser.test_keeping import addresses, people
from tests.browser.test_letterhead import administrator
from tests.browser.test_refused_forms import refusals

__all__ = ["addresses", "administrator", "head", "people", "world"]  # fixtures
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MB = 2**20


@pytest.fixture(scope="module", autouse=True)
def _begun():
    gallery_walk.begin()


@pytest.mark.parametrize("look", VIEWS, ids=str)
def test_what_is_kept(visit, people, addresses, queued, look):
    for name, (role, address) in addresses.items():
        page = visit("/help/", user=people[role], verified=True, **look.options)
        walk(page, role, {f"keeping, {name}": address}, look)


@pytest.mark.parametrize("look", VIEWS, ids=str)
def test_cohorts_letterhead_and_figures(visit, world, administrator, head, look):
    people, addresses = world
    for role, pages in addresses.items():
        page = visit("/help/", user=people[role], verified=True, **look.options)
        walk(page, role, {f"cohorts, {address}": address for address in pages}, look)
    page = visit("/help/", user=administrator, verified=True, **look.options)
    walk(page, "administrator", {"letterhead": reverse("reports:letterhead")}, look)
    page = visit("/help/", user=head, verified=True, **look.options)
    walk(page, "administrator", {f"figures, {address}": address for address in PAGES}, look)


def _failures() -> dict[str, str]:
    """The pages of what goes wrong, by status."""
    request = RequestFactory().get("/somewhere/")
    request.user, request.request_id = AnonymousUser(), "5f1c0e9a7b2d4e68"
    answers = (
        views.bad_request(request),
        views.forbidden(request, PermissionDenied("This needs the role Radiologist.")),
        views.not_found(request),
        views.sent_twice(request),
        views.too_large(request, limit=512 * MB, length=700 * MB),
        views.too_many(request),
        views.server_error(request),
    )
    return {str(one.status_code): one.content.decode() for one in answers}


def test_every_form_that_is_refused(browser, live_server, queued, settings, tmp_path):
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 86_400
    world, looks = build_for_refusals(tmp_path), [(look.width, look.scheme) for look in VIEWS]
    assert refusals(browser, live_server.url, world, looks) == {}


@pytest.mark.parametrize("look", VIEWS, ids=str)
def test_what_goes_wrong(visit, look):
    told = _failures()
    page = visit("/", **look.options)

    def answer(route):
        status = route.request.url.rstrip("/").rsplit("/", 1)[1]
        route.fulfill(body=told[status], content_type="text/html; charset=utf-8")

    page.route("**/went-wrong/*/", answer)
    walk(page, "anybody", {f"answer {one}": f"/went-wrong/{one}/" for one in told}, look)
