"""Old months of the trail go whole, by the owner of the database; what is left still verifies."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection

from accounts import audit
from accounts.audit import triggers
from accounts.models import AuditCheckpoint, AuditEvent, AuditSeal
from accounts.services.purging import purge_planned, trail_purge
from accounts.services.sealing import as_checkpoint, checkpoint_now, signing_key, trail_seal
from accounts.services.trail import trail_verify
from accounts.services.trail_walk import DELETED, LINK, MISSING
from tests.accounts.trail import settle_constraints, triggers_lifted

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def checkpoint_file(settings, tmp_path):
    settings.AUDIT_CHECKPOINTS = tmp_path / "points.jsonl"
    return settings.AUDIT_CHECKPOINTS


@pytest.fixture
def eight_years(django_capture_on_commit_callbacks):
    """Four entries of each November from 2018 to 2025, each year's signed; it is May 2026 now."""
    with django_capture_on_commit_callbacks(execute=True):
        for year in range(2018, 2026):
            with time_machine.travel(datetime(year, 11, 20, 12, tzinfo=UTC)):
                for number in range(4):
                    audit.record(None, "plan.change", reason=f"{year} {number}")
                trail_seal()
                checkpoint_now()
    settle_constraints()
    with time_machine.travel(datetime(2026, 5, 10, tzinfo=UTC)):
        yield


def test_what_is_older_than_six_years_goes_and_the_rest_verifies(eight_years):
    assert trail_verify().rows == 32
    settle_constraints()
    plan = trail_purge(keep_years=6)
    assert (plan.after, plan.up_to) == (0, 8)  # 2018 and 2019
    assert AuditEvent.objects.order_by("at").first().reason == "2020 0"
    assert AuditSeal.objects.order_by("seq").first().seq == 9
    assert AuditCheckpoint.objects.filter(seq__lte=8).count() == 2  # they stay
    newest = as_checkpoint(AuditCheckpoint.objects.last())
    assert (newest.seq - newest.count, newest.is_signed_by(signing_key().public_key())) == (8, True)
    verdict = trail_verify()
    assert verdict.is_whole
    assert (verdict.purged, verdict.rows) == (8, verdict.up_to - 8)
    assert AuditEvent.objects.get(action="audit.purge").reason == "entries 1 to 8, before 2020-05"


def test_the_triggers_are_back_afterwards(eight_years):
    trail_purge(keep_years=6)
    assert triggers.missing(connection) == []


def test_a_second_purge_goes_on_behind_the_first(eight_years):
    trail_purge(keep_years=6)
    assert trail_purge(keep_years=6).rows == 0
    settle_constraints()
    plan = trail_purge(keep_years=3)
    assert (plan.after, plan.up_to) == (8, 20)
    assert trail_verify().is_whole
    assert trail_verify().purged == 20


def test_nothing_younger_than_a_month_of_that_year_goes(eight_years):
    assert purge_planned(keep_years=1).up_to == 28  # November 2025 is younger than May 2025
    with time_machine.travel(datetime(2026, 11, 30, tzinfo=UTC)):
        assert purge_planned(keep_years=1).up_to == 28  # it is this month a year ago
    with time_machine.travel(datetime(2026, 12, 1, tzinfo=UTC)):
        assert purge_planned(keep_years=1).up_to == 32


def test_the_purge_ends_at_a_signed_link(eight_years):
    with triggers_lifted():
        AuditCheckpoint.objects.filter(seq=8).delete()
    assert purge_planned(keep_years=6).up_to == 4


def test_a_damaged_trail_is_not_purged(eight_years):
    with triggers_lifted():
        AuditEvent.objects.filter(reason="2024 1").delete()
    with pytest.raises(ValidationError, match="damaged at entry 26"):
        trail_purge(keep_years=6)
    assert AuditSeal.objects.filter(seq=1).exists()


def test_what_somebody_deletes_without_signing_it_is_missed(eight_years):
    trail_purge(keep_years=6)
    settle_constraints()
    with triggers_lifted():
        gone = AuditSeal.objects.filter(seq__lte=10)
        AuditEvent.objects.filter(pk__in=gone.values("event_id")).delete()
        assert trail_verify().first.damage == DELETED
        gone.delete()
    assert (trail_verify().first.seq, trail_verify().first.damage) == (9, MISSING)


def test_the_first_link_left_hangs_on_the_signed_hash(eight_years, checkpoint_file):
    trail_purge(keep_years=6)
    settle_constraints()
    with triggers_lifted():
        AuditCheckpoint.objects.filter(seq=8).delete()
    checkpoint_file.unlink()
    assert (trail_verify().first.seq, trail_verify().first.damage) == (9, LINK)


def test_the_command_says_what_it_did(eight_years, capsys):
    call_command("purge_audit", "--dry-run")
    assert "8 entries would be purged: 1 to 8, before May 2020." in capsys.readouterr().out
    assert AuditSeal.objects.filter(seq=1).exists()
    call_command("purge_audit")
    assert "8 entries purged" in capsys.readouterr().out
    settle_constraints()
    call_command("purge_audit")
    assert "nothing to purge" in capsys.readouterr().out
    call_command("verify_audit")
    assert "Entries 1 to 8 were purged" in capsys.readouterr().out
    with pytest.raises(CommandError, match="at least one year"):
        call_command("purge_audit", "--keep-years", "0")
