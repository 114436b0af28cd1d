"""The pages of accounts and governance, each as its role sees it: accessible, never too wide."""

from __future__ import annotations

import time
from datetime import timedelta
from importlib import import_module

import pytest
from django.conf import settings
from django.test import RequestFactory
from django.urls import reverse
from django.utils.timezone import now

from accounts import proof
from accounts.roles import ADMINISTRATOR, AUDITOR, CLINICIAN, RADIOLOGIST
from accounts.services.api_keys import api_key_create
from accounts.services.invitations import invitation_send
from accounts.services.notices import notice_send
from accounts.services.outbox import trial_note
from accounts.services.plan_requests import plan_ask
from accounts.services.signins import signin_start
from accounts.services.webhooks import webhook_create
from accounts.throttle import attempt_failed
from accounts.tokens.scopes import SCOPES
from imaging.models.erasures import ErasureReason
from imaging.services.assignments import assignment_create
from imaging.services.erasure import erasure_approve, erasure_request
from imaging.services.glass import glass_break, glass_review
from tests.accounts.factories import (
    DepartmentFactory,
    OrganisationFactory,
    PlanFactory,
    UserFactory,
)
from tests.browser.conftest import session_cookie
from tests.browser.test_pages import faults
from tests.imaging.factories import PatientFactory, ResultFactory, RuleFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
REASON = "Unconscious, needs a comparison now"
NEWCOMER = "a person without a second factor"
OWN = (
    "account", "mfa_index", "mfa_generate_recovery_codes", "mfa_list_webauthn", "mfa_add_webauthn",
    "mfa_deactivate_totp", "signin:session-list", "trail:activity", "trail:notices",
    "people:invitations", "trail:list", "analytics:plans", "imaging:patient-find", "locks:list",
    "imaging:slicer",
)  # fmt: skip
OVERSEEN = ("locks:list", "people:first", "trail:list")


@pytest.fixture
def people():
    house = OrganisationFactory()
    roles = (RADIOLOGIST, CLINICIAN, AUDITOR, ADMINISTRATOR)
    cast = {role: UserFactory(organisation=house, role=role) for role in roles}
    return cast | {NEWCOMER: UserFactory(organisation=house)}


@pytest.fixture
def addresses(people, queued) -> dict[str, list[str]]:
    """Make a row behind each page; return the addresses that each person opens."""
    radiologist, administrator = people[RADIOLOGIST], people[ADMINISTRATOR]
    clinician, auditor = people[CLINICIAN], people[AUDITOR]
    house = radiologist.memberships.get().organisation
    second = UserFactory(organisation=house, role=ADMINISTRATOR)
    DepartmentFactory(organisation=house)
    patient, closed, other = (ResultFactory(user=radiologist).patient for _ in range(3))
    waits = glass_break(by=clinician, patient=patient, reason=REASON)
    done = glass_break(by=second, patient=closed, reason=REASON)
    glass_review(by=auditor, glass=done, verdict="approved", comment="")
    for number in range(5):
        request = RequestFactory().post("/", REMOTE_ADDR=f"192.0.2.{number}")
        attempt_failed(request, kind="password", account=people[NEWCOMER])
    notice_send(to=radiologist, kind="factor_removed", facts={"factor": "authenticator app"})
    signin_start(user=radiologist, device="Opera on iPad", is_known=True)
    invitation_send(by=administrator, organisation=house, email="one@example.org", role=CLINICIAN)
    api_key_create(
        organisation=house, name="PACS gateway", scopes=list(SCOPES), networks=["192.0.2.0/24"],
        expires_at=now() + timedelta(days=30), by=administrator,
    )  # fmt: skip
    reason = ErasureReason.values[0]
    erasure_request(user=second, patient=other, reason=reason)
    gone = erasure_request(
        user=administrator, patient=PatientFactory(organisation=house), reason=reason
    )
    erasure_approve(user=second, erasure=gone)
    assignment_create(by=radiologist, patient=closed, user=clinician)
    endpoint = webhook_create(
        by=administrator, organisation=house, url="https://ris.example.org/hook",
        events=["job.succeeded", "report.signed"],
    )  # fmt: skip
    trial_note(endpoint)
    PlanFactory(name="Clinic", runs_per_month=2000, members=50)
    plan_ask(by=administrator, organisation=house, plan=PlanFactory(name="Ward", members=1))
    key_pages = ("accounts:api-key-list", "accounts:api-key-new", "imaging:erasure-list",
                 "status", "analytics:plans", "accounts:webhook-list", "accounts:webhook-new",
                 "imaging:rule-list", "imaging:rule-new")  # fmt: skip
    rule = RuleFactory(
        organisation=house, name="Chest X-rays", body_part="CHEST", created_by=administrator
    )
    hook_pages = [
        reverse(f"imaging:rule-{name}", args=[rule.pk]) for name in ("detail", "edit", "remove")
    ] + [
        reverse(f"accounts:webhook-{name}", args=[endpoint.pk])
        for name in ("detail", "edit", "remove")
    ]
    return {
        RADIOLOGIST: [
            *map(reverse, OWN), reverse("imaging:patient-detail", args=[patient.pk]),
            reverse("imaging:assignment-list", args=[closed.pk]),
        ],
        NEWCOMER: [reverse("mfa_activate_totp"), reverse("trail:notices"), "/nothing/here/"],
        CLINICIAN: [
            reverse("imaging:glass-open", args=[other.pk]),
            reverse("imaging:patient-detail", args=[waits.patient_id]), reverse("trail:list"),
        ],
        AUDITOR: [
            *map(reverse, OVERSEEN), reverse("imaging:glass-list"),
            reverse("trail:list") + "?since=2001-01-01&until=2001-01-02",
        ],
        ADMINISTRATOR: [
            *map(reverse, OVERSEEN + key_pages), *hook_pages, reverse("admin:index")
        ],
    }  # fmt: skip


def cookie(user, url: str, *, is_newcomer: bool) -> dict[str, str]:
    """Both proofs, or, of whoever has no factor yet, a fresh password."""
    if not is_newcomer:
        return session_cookie(user, url, verified=True)
    made = session_cookie(user, url)
    session = import_module(settings.SESSION_ENGINE).SessionStore(made["value"])
    session[proof.SESSION_KEY] = {proof.PASSWORD: time.time()}
    session.save()
    return made


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
def test_each_role_opens_its_pages(browser, live_server, people, addresses, width, scheme):
    found = {}
    for person, pages in addresses.items():
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
        is_newcomer = person == NEWCOMER
        context.add_cookies([cookie(people[person], live_server.url, is_newcomer=is_newcomer)])
        page = context.new_page()
        for address in pages:
            page.goto(live_server.url + address)
            assert "/reauthenticate/" not in page.url
            found[f"{person}: {address}"] = faults(page)
        context.close()
    assert {name: what for name, what in found.items() if what} == {}
