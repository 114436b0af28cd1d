"""S21: every address × every role × whose row it is says exactly what the table says.

What is expected comes from tests/accounts/contract.py, not from the table that the
house reads: a cell that is changed in accounts/roles.py shows up here as a failure.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest
from django.db import transaction
from django.urls import reverse

from accounts import roles
from accounts.access import PUBLIC, SIGNED_IN
from accounts.roles import ASSIGNED
from accounts.vault import keys
from mediscan.routes import ADMIN, Route, routes
from tests.accounts.contract import CONTRACT, agreed
from tests.security.matrix import (
    ANONYMOUS,
    DELETED,
    DEPARTMENT,
    ELSEWHERE,
    FORMER,
    OPERATOR,
    ORGANISATION,
    OWN,
    PEOPLE,
    PLACES,
    World,
    build,
)

pytestmark = pytest.mark.django_db
METHODS = ("GET", "POST")
KIND = {  # what the <uuid:pk> of an address names; an address that is not here fails
    **dict.fromkeys(
        (
            "imaging:study-detail",
            "imaging:study-move",
            "imaging:study-correct",
            "imaging:study-ask-deletion",
        ),
        "study",
    ),
    **dict.fromkeys(
        (
            "imaging:upload-detail",
            "imaging:upload-send",
            "imaging:upload-status",
            "imaging:upload-pieces",
            "imaging:upload-close",
            "imaging:upload-give-up",
        ),
        "upload",
    ),
    **dict.fromkeys(("imaging:run-detail", "imaging:run-status", "imaging:run-cancel"), "run"),
    "imaging:job-retry": "job",
    **dict.fromkeys(
        (
            "imaging:image-thumbnail",
            "imaging:image-pixels",
            "imaging:image-slice",
            "imaging:image-read",
            "imaging:image-original",
        ),
        "image",
    ),
    **dict.fromkeys(
        (
            "imaging:result-detail",
            "imaging:result-print",
            "imaging:result-map",
            "imaging:result-layer",
            "imaging:review-create",
            "imaging:review-paint",
            "imaging:review-upload",
            "imaging:gate-override",
            "imaging:result-map-slice",
            "imaging:result-compare-list",
            "imaging:result-compare",
            "imaging:result-planes",
        ),
        "result",
    ),
    **dict.fromkeys(
        (
            "imaging:review-detail",
            "imaging:review-sign",
            "imaging:review-mask",
            "imaging:review-mask-slice",
            "imaging:review-status",
        ),
        "review",
    ),
    **dict.fromkeys(
        (
            "imaging:patient-detail",
            "imaging:patient-change",
            "imaging:assignment-list",
            "imaging:glass-open",
        ),
        "patient",
    ),
    "imaging:assignment-end": "assignment",
    **dict.fromkeys(("imaging:glass-close", "imaging:glass-review"), "glass"),
    **dict.fromkeys(
        (
            "reports:export-detail",
            "reports:export-status",
            "reports:export-download",
            "reports:export-cancel",
            "reports:export-delete",
        ),
        "export",
    ),
    **dict.fromkeys(
        (
            "people:list",
            "people:invite",
            "people:department-create",
            "people:read-first",
            "analytics:plan-ask",
        ),
        "organisation",
    ),
    **dict.fromkeys(("people:membership-change", "people:membership-end"), "membership"),
    "people:department-rename": "department",
    "people:invitation-withdraw": "invitation",
    "accounts:api-key-revoke": "key",
    **dict.fromkeys(
        (
            "accounts:webhook-detail",
            "accounts:webhook-edit",
            "accounts:webhook-switch",
            "accounts:webhook-rotate",
            "accounts:webhook-test",
            "accounts:webhook-remove",
            "api:webhook-detail",
            "api:webhook-rotate",
            "api:webhook-test",
        ),
        "webhook",
    ),
    **dict.fromkeys(
        (
            "accounts:webhook-resend",
            "api:webhook-delivery-detail",
            "api:webhook-delivery-resend",
        ),
        "delivery",
    ),
    **dict.fromkeys(
        (
            "imaging:rule-detail",
            "imaging:rule-edit",
            "imaging:rule-switch",
            "imaging:rule-remove",
            "api:rule-detail",
        ),
        "rule",
    ),
    "locks:lift": "person",
    **dict.fromkeys(
        (
            "imaging:deletion-withdraw",
            "imaging:deletion-decline",
            "imaging:deletion-approve",
            "imaging:deletion-restore",
        ),
        "deletion",
    ),
    **dict.fromkeys(("imaging:erasure-approve", "imaging:erasure-withdraw"), "erasure"),
    **dict.fromkeys(
        (
            "imaging:model-detail",
            "imaging:model-approve-clinical",
            "imaging:model-retire",
            "imaging:model-approve-technical",
            "imaging:model-restore",
            "imaging:model-confirm",
        ),
        "model",
    ),
    **dict.fromkeys(
        (
            "imaging:cohort-detail",
            "imaging:cohort-run",
            "imaging:cohort-run-cancel",
            "imaging:cohort-close",
            "reports:cohort-files",
            "reports:cohort-export",
        ),
        "cohort",
    ),
    **dict.fromkeys(("reports:cohort-download", "reports:cohort-file-delete"), "cohort file"),
    **dict.fromkeys(
        ("imaging:cohort-image", "imaging:cohort-picture", "imaging:cohort-layer"), "cohort image"
    ),
    **dict.fromkeys(
        ("reports:letterhead-use", "reports:letterhead-logo", "reports:letterhead-specimen"),
        "letterhead",
    ),
    "imaging:cohort-decide": "held image",
    "api:patient-detail": "patient",
    "api:key-detail": "key",
    **dict.fromkeys(
        (
            "api:deletion-detail",
            "api:deletion-approve",
            "api:deletion-decline",
            "api:deletion-restore",
            "api:deletion-withdraw",
        ),
        "deletion",
    ),
    **dict.fromkeys(("api:report-detail", "api:report-pdf", "api:report-fhir"), "signed"),
    **dict.fromkeys(("api:upload-pieces", "api:upload-close"), "upload"),
    "api:result-overlay": "result",
    "api:membership-detail": "membership",
    "api:invitation-detail": "invitation",
    "api:department-detail": "department",
    "api:study-detail": "study",
    "api:series-detail": "series",
    **dict.fromkeys(("api:image-detail", "api:image-thumbnail", "api:image-pixels"), "image"),
    "api:upload-detail": "upload",
    **dict.fromkeys(("api:run-detail", "api:run-cancel"), "run"),
    **dict.fromkeys(("api:job-detail", "api:job-retry"), "job"),
    "api:order-detail": "nobody's",
    **dict.fromkeys(
        (
            "api:result-detail",
            "api:result-lesions",
            "api:result-measurements",
            "api:result-thresholds",
            "api:result-mask",
            "api:result-maps",
        ),
        "result",
    ),
    "api:review-detail": "review",
    "api:model-detail": "model",
    **dict.fromkeys(
        ("api:ensemble-detail", "imaging:ensemble-approve", "imaging:ensemble-decline"), "ensemble"
    ),
    **dict.fromkeys(("api:export-detail", "api:export-content"), "export"),
    **dict.fromkeys(
        (
            "people:invitation-accept",
            "trail:disown",
            "signin:program-end",
            "imaging:view-drop",
            "analytics:plan-withdraw",
            "imaging:slicer-end",
        ),
        "nobody's",
    ),
}
SLICE = {"plane": "stored", "number": 1}
MORE = {"imaging:image-slice": SLICE, "imaging:review-mask-slice": SLICE,
        "imaging:result-map-slice": {"name": "ensemble"} | SLICE,
        "imaging:result-map": {"name": "ensemble"}, "api:result-maps": {"name": "ensemble"},
        "imaging:result-layer": {"name": "mask"}, "imaging:cohort-layer": {"name": "mask"},
        "signin:session-end": {"pk": 0}, "trail:entry": {"seq": 10**9},
        "analytics:figures-csv": {"page": "overview"}}  # fmt: skip
STUDY = {"study": "1.2.3"}  # of DICOMweb, by numbers that nobody here has
SERIES = STUDY | {"series": "1.2.4"}
INSTANCE = SERIES | {"instance": "1.2.5"}
FRAMES = INSTANCE | {"frames": "1"}
MORE |= {
    "dicomweb:study-series": STUDY, "dicomweb:study-instances": STUDY, "dicomweb:study": STUDY,
    "dicomweb:study-metadata": STUDY, "dicomweb:series-instances": SERIES,
    "dicomweb:one-series": SERIES, "dicomweb:series-metadata": SERIES,
    "dicomweb:instance": INSTANCE, "dicomweb:instance-metadata": INSTANCE,
    "dicomweb:rendered": INSTANCE, "dicomweb:thumbnail": INSTANCE,
    "dicomweb:frames": FRAMES, "dicomweb:frame-rendered": FRAMES,
}  # fmt: skip
FORM = {"trail:export": "format=csv"}  # what a POST needs to be understood at all
BY_FORM = {  # where the form decides what is done: each form, and the action that it is
    "reports:export-create": {
        "kind=pdf": "export.create",
        **dict.fromkeys(("kind=csv", "kind=xlsx", "kind=masks", "kind=pdfs"), "export.create_bulk"),
    },
    "api:review-list": {"decision=accepted": "review.save"},
    "api:deletion-list": {"reason=twice": "study.ask_deletion"},
    "api:invitation-list": {"role=clinician": "people.manage"},
    "api:department-list": {"name=Chest": "people.manage"},
    "dicomweb:studies": {"sent=1": "upload.create"},
    "dicomweb:study": {"sent=1": "upload.create"},
}
# a person's own, and nobody here has one; the trail has no such entry
NEVER_OWN = {"imaging:glass-close", "people:invitation-accept", "trail:disown",
             "signin:session-end", "signin:program-end", "trail:entry",
             "imaging:view-drop", "api:order-detail", "imaging:upload-pieces",
             "analytics:plan-withdraw", "imaging:slicer-end",
             "imaging:upload-close", "imaging:upload-give-up",
             "imaging:deletion-withdraw", "api:deletion-withdraw",
             "imaging:cohort-run-cancel"}  # fmt: skip
NEVER_OWN |= {name for name in MORE if name.startswith("dicomweb:")} - {
    "dicomweb:study-series", "dicomweb:study-instances", "dicomweb:series-instances",  # no rows
}  # fmt: skip
# opened by a token alone: tests/imaging/monai_label
# S25; a token is got by S14; allauth's pages, about oneself: S1, S3
KEPT_OUT = ("ml:", "admin:", "api:token", "plain:auth-", "account_", "mfa_", "usersessions_")


def pages() -> list[Route]:
    return [route for route in routes() if not route.name.startswith(KEPT_OUT)]


@functools.cache
def methods_of(view) -> frozenset[str] | None:
    """Return what the view's own decorator lets through; None: whatever comes."""
    if kind := getattr(view, "cls", None):  # of the API
        names = getattr(view, "actions", None) or [
            name for name in kind.http_method_names if hasattr(kind, name)
        ]
        return frozenset(name.upper() for name in names)
    while view is not None:
        for cell in getattr(view, "__closure__", None) or ():
            value = cell.cell_contents
            if isinstance(value, list | tuple) and value and set(value) <= {"GET", "HEAD", "POST"}:
                return frozenset(value)
        view = getattr(view, "__wrapped__", None)
    return None


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker) -> Iterator[World]:
    """One world for all cases, in a transaction that is never committed."""
    keys.cache.clear()
    with django_db_blocker.unblock(), transaction.atomic():
        yield build()
        transaction.set_rollback(True)
    keys.cache.clear()


def expected(route: Route, person: str, place: str | None, form: str) -> str:
    """Return what the contract says: "in", "refused" (403), "unknown" (404) or "sign in"."""
    if person == ANONYMOUS:
        return "sign in"
    if route.demand == SIGNED_IN:
        return "unknown" if route.name in NEVER_OWN else "in"
    cells = agreed(BY_FORM.get(route.name, {}).get(form, route.demand))
    if person == ELSEWHERE and roles.RADIOLOGIST in cells:
        is_mine = place is None or (KIND[route.name] == "model" and place != DELETED)
        return "in" if is_mine and (form or route.name not in NEVER_OWN) else "unknown"
    if person == OPERATOR and route.demand == "house.view":
        return "in"  # whoever operates the house, without a role
    if person not in cells:
        return "refused"
    if route.name in NEVER_OWN and not form:
        return "unknown"
    return "in" if place is None or place in reach(route, cells[person]) else "unknown"


def reach(route: Route, scope: str) -> set[str]:
    """Return whose rows the scope opens, in the world of the matrix."""
    kind = KIND[route.name]
    if kind == "model":
        return {OWN, DEPARTMENT, ORGANISATION}  # the registry is the house's, nobody's data
    if kind == "export":
        return {OWN}  # its maker's alone
    if kind == "ensemble":
        return {OWN, DEPARTMENT}  # its organisation's
    if kind == "upload" and scope == ASSIGNED:
        return set()  # an upload names no patient; a clinician sees the acts of their own
    return {OWN, DEPARTMENT} if scope == roles.ORGANISATION else {OWN}


def said(status: int, location: str) -> str:
    if status == 401 or (status == 302 and "/accounts/login/" in location):
        return "sign in"
    if status >= 500:
        return f"error {status}"
    return {403: "refused", 404: "unknown"}.get(status, "in")


def cases(route: Route) -> Iterator[tuple[str, str | None, str, str]]:
    places = PLACES if "<uuid:" in route.pattern else (None,)
    for person in PEOPLE:
        for place in places:
            yield person, place, "GET", ""
            for form in BY_FORM.get(route.name, [FORM.get(route.name, "")]):
                yield person, place, "POST", form


def address(world: World, route: Route, person: str, place: str | None) -> str:
    more = dict(MORE.get(route.name, {}))
    if place is not None:
        kind = KIND[route.name]
        more["pk"] = world.id_of("study" if kind == "nobody's" else kind, place, person)
        if route.name == "imaging:result-compare":
            more["other"] = more["pk"]
        if route.name == "imaging:cohort-run-cancel":
            more["run"] = world.id_of("run", place, person)
        if route.name == "imaging:cohort-layer":
            more["result"] = world.id_of("result", place, person)
    return reverse(route.name, kwargs=more)


GUARDED = [route for route in pages() if route.demand != PUBLIC]


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.name)
def test_the_address_says_what_the_contract_says(world, queued, settings, route):
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 86_400  # on a slow machine the proofs grow old
    wrong = []
    for person, place, method, sent in cases(route):
        with transaction.atomic():
            client = world.clients[person]
            there = address(world, route, person, place)
            answer = client.generic(method, there, sent, "application/x-www-form-urlencoded")
            answer.getvalue()
            transaction.set_rollback(True)
        found = said(answer.status_code, answer.get("Location", ""))
        want = expected(route, person, place, sent)
        if answer.status_code == 405 and method not in (methods_of(route.view) or METHODS):
            continue  # nothing was done, and nothing said about the row
        if found != want:
            wrong.append(f"{method} {sent} {person}, {place}: {found}, not {want}")
    assert wrong == []


def test_there_are_two_thousand_cases_and_no_unlisted_address():
    assert sum(len(list(cases(route))) for route in GUARDED) >= 2_000
    assert {r.name for r in pages() if "<uuid:pk>" in r.pattern} <= KIND.keys()
    assert KIND.keys() <= {route.name for route in pages()}
    assert {route.demand for route in pages()} - {PUBLIC, SIGNED_IN} <= CONTRACT.keys()
    assert ADMIN in CONTRACT


def test_a_refusal_names_the_roles_that_may(world):
    for route in GUARDED:
        if route.demand == SIGNED_IN or "<" in route.pattern:
            continue
        allowed = methods_of(route.view) or {"GET"}
        method = "GET" if "GET" in allowed else "POST"
        answer = world.clients[FORMER].generic(method, reverse(route.name))
        names = [roles.ROLES[role] for role in agreed(route.demand)]
        if len(names) == len(roles.ROLES):
            names = ["This needs a role in an organisation"]
        assert any(name in answer.content.decode() for name in names), route.name
