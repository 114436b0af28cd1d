"""S52: whoever reads a record leaves a line, by page and by program; what writes none says why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import transaction

from accounts.access import SIGNED_IN
from accounts.audit import once
from accounts.models import AuditEvent
from accounts.vault import keys
from tests.accounts.contract import agreed
from tests.security.matrix import OWN, World, build
from tests.security.test_s21_matrix import GUARDED, NEVER_OWN, address, methods_of

pytestmark = pytest.mark.django_db
NO_RECORD = {  # by demand: nobody's record, or one's own affairs
    SIGNED_IN, "people.view", "people.manage", "lock.view", "apikey.manage", "webhook.manage",
    "letterhead.manage", "rule.manage", "model.view", "model.add", "model.approve_clinical",
    "model.approve_technical",
    "ensemble.view", "ensemble.approve", "audit.view_own", "audit.view", "key.view_state",
    "house.view",  # the machine's health
    "analytics.view", "analytics.view_readers",  # counts, of five or more
    "glass.review", "study.delete", "patient.erase", "patient.erase_witness",  # they name nobody
}  # fmt: skip
NO_LINE = {  # by name: why this one writes none
    **dict.fromkeys(("imaging:image-thumbnail", "api:image-thumbnail"), "the list wrote one"),
    **dict.fromkeys(
        ("imaging:upload-create", "imaging:run-create", "imaging:patient-find"),
        "an empty form",
    ),
    "imaging:slicer": "one's own addresses, by place; each use is written down",
    "imaging:assignment-list": "names clinicians, and the patient by pseudonym",
    **dict.fromkeys(
        ("reports:export-list", "reports:export-detail", "api:export-list", "api:export-detail",
         "reports:cohort-files"),
        "one's own files, by number; taking one is written down",
    ),
}  # fmt: skip
LEADS_ON = {  # without htmx, or without what it is for: a redirect to a page that writes its line
    "imaging:upload-status", "imaging:run-status", "imaging:review-status", "imaging:image-read",
    "imaging:result-planes", "imaging:glass-open", "reports:export-status",
}  # fmt: skip
READS = [
    one
    for one in GUARDED
    if "GET" in (methods_of(one.view) or ("GET",))
    and one.demand not in NO_RECORD
    and one.name not in NEVER_OWN | NO_LINE.keys()
]


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker) -> Iterator[World]:
    keys.cache.clear()
    with django_db_blocker.unblock(), transaction.atomic():
        yield build()
        transaction.set_rollback(True)
    keys.cache.clear()


def ask(world: World, one) -> tuple[int, list[str]]:
    """Ask for one address as whoever may first; return the status and the acts written down."""
    person = next(iter(agreed(one.demand)))
    there = address(world, one, person, OWN if "<uuid:" in one.pattern else None)
    once._seen.clear()  # as if nothing had been opened before
    cache.clear()
    with transaction.atomic():
        known = set(AuditEvent.objects.values_list("pk", flat=True))
        answer = world.clients[person].get(there)
        answer.getvalue()
        acts = AuditEvent.objects.exclude(pk__in=known).values_list("action", flat=True)
        written = list(acts)
        transaction.set_rollback(True)
    return answer.status_code, written


@pytest.mark.parametrize("one", READS, ids=[one.name for one in READS])
def test_who_reads_leaves_one_line(world, settings, one):
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 86_400
    status, written = ask(world, one)
    if one.name in LEADS_ON:
        assert (status, written) == (302, [])
    else:
        assert (status, len(written)) == (200, 1), written


def test_what_is_left_out_is_there():
    assert NO_LINE.keys() | LEADS_ON <= {one.name for one in GUARDED}
    assert {one.demand for one in GUARDED} >= NO_RECORD
    assert len(READS) > 60
