"""U25: the foot of a result says how the trail was when it was last verified."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts import audit
from accounts.audit.state import trail_state
from accounts.models import AuditEvent, AuditSeal, Membership
from accounts.roles import AUDITOR
from accounts.services.sealing import trail_seal
from accounts.services.trail import trail_check
from tests.accounts.factories import UserFactory, verify
from tests.accounts.trail import triggers_lifted
from tests.imaging.factories import ResultFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _apart(settings, tmp_path):
    settings.AUDIT_CHECKPOINTS = tmp_path / "none.jsonl"


def tampered() -> int:
    """Change a row past the product, verify as the worker does; return its entry."""
    audit.record(None, "plan.change", reason="as it was")
    trail_seal()
    event = AuditEvent.objects.get(action="plan.change")
    with triggers_lifted():
        AuditEvent.objects.filter(pk=event.pk).update(reason="another")
    assert not trail_check().is_whole
    return AuditSeal.objects.get(event_id=event.pk).seq


@pytest.fixture
def reader():
    return UserFactory()


@pytest.fixture
def said(client, reader):
    """Return a function that gives the foot of a result's page as `reader` sees it."""
    result = ResultFactory(user=reader)
    verify(client, reader)

    def foot() -> str:
        return client.get(result.get_absolute_url()).content.decode().split('class="aud"')[1]

    return foot


def test_what_was_never_verified_says_so(said):
    assert "Audit trail not verified yet" in said()


def test_a_whole_trail_is_said_and_no_view_verifies(said):
    trail_check()
    assert "Audit trail whole, verified" in said()
    assert AuditEvent.objects.filter(action="audit.verify").count() == 1


@pytest.mark.parametrize("reason", ["entry -5: unreadable", "entry 0: cut", "", "no key", "x" * 50])
def test_a_failure_that_names_no_entry_is_never_taken_for_a_whole_trail(reason):
    audit.record(None, "audit.verify", outcome="failed", reason=reason)
    assert trail_state().entry == 1


def test_a_broken_one_is_a_sentence_to_a_reader_and_a_link_to_an_auditor(said, reader):
    entry = tampered()
    link = reverse("trail:entry", args=[entry])
    assert f"The audit trail is broken since entry {entry}" in said()
    assert link not in said()
    Membership.objects.create(
        user=reader, organisation=reader.memberships.get().organisation, role=AUDITOR
    )
    assert f'href="{link}"' in said()
