"""What a browser must never keep of a patient, and where it must never go."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.accounts.factories import UserFactory
from tests.browser.story import addresses_of_a_working_day

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CANARY = "Zzcanary"
KEPT = """async () => {
  const databases = (await indexedDB.databases()).map((one) => one.name);
  const text = JSON.stringify([{...localStorage}, {...sessionStorage}, databases]);
  return { text, caches: await caches.keys(), cookies: document.cookie };
}"""


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def addresses(user, tmp_path, queued):
    """Every state of the work pages, where each patient carries the canary."""
    from imaging.models import Patient

    found = addresses_of_a_working_day(user, tmp_path)
    for patient in Patient.objects.all():
        patient.name, patient.record_number = f"{CANARY}^Jane", f"{CANARY}-1"
        patient.save()
    return found


def test_no_address_title_or_store_holds_the_patient(visit, user, addresses):
    requests, seen = [], 0
    page = visit(addresses["worklist"], user=user)
    origin = page.url.removesuffix(addresses["worklist"])
    page.on("request", lambda request: requests.append((request.url, request.headers)))
    for address in addresses.values():
        page.goto(origin + address)
        if page.locator("#viewer-config").count():
            expect(page.locator("html[data-viewer]")).to_be_attached()
        seen += CANARY in page.inner_text("body")
        kept = page.evaluate(KEPT)
        assert CANARY not in page.url + page.title() + str(kept), address
        assert kept["caches"] == []
    assert seen >= 4, "worklist, study and results show the name"
    assert CANARY not in str(requests)


def test_no_page_asks_anything_of_another_host(visit, user, addresses):
    page = visit(addresses["worklist"], user=user)
    origin = page.url.removesuffix(addresses["worklist"])
    elsewhere = []

    def answer(route):
        if route.request.url.startswith(origin):
            route.continue_()
        else:
            elsewhere.append(route.request.url)
            route.abort()

    page.route("**/*", answer)
    for name in ("worklist", "upload", "run form", "result, heatmap", "models"):
        page.goto(origin + addresses[name])
    expect(page.locator("main h1")).to_have_text("Models")
    assert elsewhere == []
