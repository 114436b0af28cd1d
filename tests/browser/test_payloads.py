"""S42: fifty ways to smuggle a script into a text; none runs, none asks the policy to stop it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.urls import NoReverseMatch, reverse

from accounts.models import Organisation
from imaging.models import Image, Patient, Run, Series, SourceFile, Study, Upload, UploadItem
from tests.accounts.factories import UserFactory, enrol
from tests.browser.conftest import session_cookie
from tests.browser.story import addresses_of_a_working_day
from tests.browser.test_policy import LISTEN

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAYLOADS = (Path(__file__).parent / "payloads.txt").read_text(encoding="utf-8").splitlines()
ADMIN = ("accounts_user", "accounts_organisation", "imaging_run", "imaging_study", "imaging_upload")


@pytest.fixture
def open_page(live_server, browser):
    """Return a function that opens a page and tells what ran, what asked and what was blocked."""
    context = browser.new_context()
    context.add_init_script(LISTEN)
    page = context.new_page()
    dialogs: list[str] = []
    page.on("dialog", lambda one: (dialogs.append(one.message), one.dismiss()))

    def go(user, address: str) -> dict:
        context.add_cookies([session_cookie(user, live_server.url, verified=True)])
        page.goto(live_server.url + address)
        found = page.evaluate("({ran: window.ran || 0, blocked: window.violations})")
        return found | {"dialogs": list(dialogs), "text": page.inner_text("body")}

    yield go
    context.close()


def filled(user, tmp_path) -> dict[str, str]:
    """The working day with all fifty payloads in every text that a person or a file can set."""
    addresses = addresses_of_a_working_day(user, tmp_path)
    text = " ".join(PAYLOADS)
    for model, fields in {
        Patient: ("name", "record_number", "birth_date", "sex"),
        Study: ("title", "accession_number", "studied_at"),
        Series: ("description",), SourceFile: ("name",), UploadItem: ("name", "reason"),
        Image: ("header",),
    }.items():  # fmt: skip
        for row in model.objects.all():
            for name in fields:
                setattr(row, name, text)
            row.save()
    for number, run in enumerate(Run.objects.all()):
        run.title = PAYLOADS[number % len(PAYLOADS)][:200]
        run.save()
    Organisation.objects.update(name=PAYLOADS[0])
    assert Upload.objects.exists()
    user.name = PAYLOADS[11][:100]
    user.save()
    return addresses


def test_there_are_fifty():
    assert len(set(PAYLOADS)) >= 50


def test_no_payload_runs_on_any_page(open_page, tmp_path, queued):
    user = UserFactory(is_staff=True, is_superuser=True)
    enrol(user)
    addresses = list(filled(user, tmp_path).values())
    addresses += [reverse("analytics:dashboard"), reverse("admin:index"), reverse("account_email")]
    addresses += [reverse(f"admin:{name}_changelist") for name in ADMIN if _exists(name)]
    shown = 0
    for address in addresses:
        found = open_page(user, address)
        assert (found["ran"], found["dialogs"], found["blocked"]) == (0, [], []), address
        shown += "window.ran" in found["text"]
    assert shown >= 5, "the payloads are on the pages, as text"


def _exists(name: str) -> bool:
    try:
        return bool(reverse(f"admin:{name}_changelist"))
    except NoReverseMatch:
        return False
