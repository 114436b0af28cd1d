"""Deleting, correcting, witnessing: each page as its role sees it, accessible, never too wide."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.urls import reverse

from accounts.roles import ADMINISTRATOR, AUDITOR, RADIOLOGIST
from accounts.vault.fields import blind_index
from imaging.services.deletions import (
    deletion_approve,
    deletion_ask,
    deletion_decline,
    deletion_restore,
    deletion_withdraw,
)
from imaging.services.erasure import erasure_approve, erasure_request
from imaging.services.identities import patient_change
from imaging.services.reviews import review_save, review_sign
from tests.accounts.factories import DepartmentFactory, OrganisationFactory, UserFactory
from tests.browser.conftest import session_cookie
from tests.browser.test_pages import faults
from tests.imaging.factories import ImageFactory, PatientFactory, ResultFactory, sealed

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LOOKS = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]
PICTURES = os.environ.get("MEDISCAN_PICTURES", "")  # a folder: the pages are kept there to be seen
NAME = {"name": "Sample^Ann", "record_number": "A-1", "birth_date": "19700131", "sex": "F"}


@pytest.fixture(autouse=True)
def ledger(settings, tmp_path):
    settings.ERASURE_LEDGER = str(tmp_path / "elsewhere" / "erasures.jsonl")


@pytest.fixture
def people():
    house = OrganisationFactory(name="St. Example")
    DepartmentFactory(organisation=house, name="Chest")
    cast = {
        role: UserFactory(organisation=house, role=role, name=name)
        for role, name in {
            RADIOLOGIST: "Reading Person", ADMINISTRATOR: "Deciding Person",
            AUDITOR: "Witnessing Person",
        }.items()
    }  # fmt: skip
    return cast | {"house": house}


def _study(people, **patient):
    house = people["house"]
    index = blind_index(house, "record_number", patient.get("record_number", "")) or None
    image = ImageFactory(
        study__organisation=house, study__uploaded_by=people[RADIOLOGIST],
        study__patient=PatientFactory(organisation=house, mrn_index=index, **patient),
    )  # fmt: skip
    return image.study


@pytest.fixture
def addresses(people) -> dict[str, tuple[str, str]]:
    """Make a row behind each page; return by name who opens which address."""
    reader, chief, house = people[RADIOLOGIST], people[ADMINISTRATOR], people["house"]
    result = sealed(ResultFactory(user=reader))
    signed = result.image.study
    review_sign(
        by=reader, meaning="reviewed",
        review=review_save(by=reader, result=result, seen=0, decision="accepted"),
    )  # fmt: skip
    waits, declined, plain = _study(people), _study(people), _study(people, **NAME)
    deletion_ask(user=reader, study=signed, reason="patient")
    deletion_ask(user=reader, study=waits, reason="twice")
    said = deletion_ask(user=reader, study=declined, reason="trial")
    deletion_decline(user=chief, deletion=said, answer="otherwise")
    for end in (None, deletion_restore):
        gone = deletion_ask(user=reader, study=_study(people), reason="quality")
        deletion_approve(user=chief, deletion=gone)
        if end:
            end(user=chief, deletion=gone)
    deletion_withdraw(
        user=reader, deletion=deletion_ask(user=reader, study=_study(people), reason="mistake")
    )
    patient_change(
        by=reader, patient=plain.patient, seen=1, identity=NAME | {"name": "Sample^Anna"}
    )
    second = UserFactory(organisation=house, role=ADMINISTRATOR, name="Second Person")
    for at in range(2):
        asked = erasure_request(
            user=chief, patient=PatientFactory(organisation=house), reason="asked"
        )
        if at:
            erasure_approve(user=second, erasure=asked)
    return {
        "study-asked": (RADIOLOGIST, waits.get_absolute_url()),
        "study-declined": (RADIOLOGIST, declined.get_absolute_url()),
        "deletions": (ADMINISTRATOR, reverse("imaging:deletion-list")),
        "patient": (RADIOLOGIST, plain.patient.get_absolute_url()),
        "patient-change": (RADIOLOGIST, reverse("imaging:patient-change", args=[plain.patient_id])),
        "erasures": (AUDITOR, reverse("imaging:erasure-witness")),
        "keys": (AUDITOR, reverse("trail:keys") + "?count=yes"),
        "trail": (AUDITOR, reverse("trail:list")),
    }


def _seen(page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_each_page_is_accessible_and_fits(browser, live_server, people, addresses, width, scheme):
    found = {}
    for name, (role, address) in addresses.items():
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
        context.add_cookies([session_cookie(people[role], live_server.url, verified=True)])
        page = context.new_page()
        page.goto(live_server.url + address)
        for more in page.locator("details.more").all():
            more.evaluate("one => { one.open = true }")
        found[name] = faults(page)
        _seen(page, f"{name}-{width}-{scheme}")
        context.close()
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_empty_they_say_what_will_stand_there(browser, live_server, people, scheme):
    pages = {"imaging:deletion-list": ADMINISTRATOR, "imaging:erasure-witness": AUDITOR,
             "trail:keys": AUDITOR}  # fmt: skip
    for name, role in pages.items():
        context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)
        context.add_cookies([session_cookie(people[role], live_server.url, verified=True)])
        page = context.new_page()
        page.goto(live_server.url + reverse(name))
        assert faults(page) == []
        _seen(page, f"empty-{name.partition(':')[2]}-{scheme}")
        context.close()


def test_a_deletion_goes_all_the_way_without_javascript(visit, people):
    """Asked for, approved, gone, restored, back: by forms alone."""
    study = _study(people)
    page = visit(study.get_absolute_url(), user=people[RADIOLOGIST], java_script_enabled=False)
    page.locator("details.more summary").last.click()
    page.get_by_label("Why should it go?").select_option("twice")
    page.get_by_role("button", name="Ask for the deletion").click()
    page.get_by_text("has asked for the deletion of this study").wait_for()
    chief = {"user": people[ADMINISTRATOR], "verified": True, "java_script_enabled": False}
    queue = visit(reverse("imaging:deletion-list"), **chief)
    queue.get_by_role("button", name="Delete the study").click()
    queue.get_by_text("The study is deleted.").wait_for()
    assert page.request.get(page.url).status == 404
    queue.get_by_role("button", name="Restore the study").click()
    queue.get_by_text("The study is back, as it was.").wait_for()
    assert page.request.get(page.url).status == 200


def test_two_corrections_at_once_stand_side_by_side(visit, people):
    patient = _study(people, **NAME).patient
    door = reverse("imaging:patient-change", args=[patient.pk])
    page = visit(door, user=people[RADIOLOGIST], width=1440)
    patient_change(
        by=people[RADIOLOGIST], patient=patient, seen=1, identity=NAME | {"name": "Other^Ann"}
    )
    page.get_by_label("Name").fill("Sample^Anna")
    page.get_by_role("button", name="Save the correction").click()
    page.get_by_text("Somebody corrected this patient while you were typing.").wait_for()
    assert page.get_by_text("Other^Ann").is_visible()
    assert page.get_by_label("Name").input_value() == "Sample^Anna"
    assert faults(page) == []
    _seen(page, "patient-conflict-1440-light")
    page.get_by_role("button", name="Save the correction").click()
    page.get_by_text("The identity is corrected.").wait_for()
