"""The chain seals every row, checkpoints sign it, and verification names the first bad entry."""

import json
import os
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils.timezone import now

from accounts import audit
from accounts.audit import reading
from accounts.audit.chain import GENESIS, Checkpoint, parse_checkpoint
from accounts.audit.record import _signed
from accounts.audit.rows import COLUMNS, FORMAT, canonical
from accounts.models import AuditCheckpoint, AuditEvent, AuditPending, AuditSeal, Notice
from accounts.services import sealing, trail, trail_walk
from accounts.services.sealing import checkpoint_due, checkpoint_now, checkpoints_keep, trail_seal
from accounts.services.trail import trail_check, trail_verify
from tests.accounts.factories import UserFactory
from tests.accounts.trail import triggers_lifted

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def checkpoint_file(settings, tmp_path):
    settings.AUDIT_CHECKPOINTS = tmp_path / "points.jsonl"
    return settings.AUDIT_CHECKPOINTS


@pytest.fixture
def ten(django_capture_on_commit_callbacks):
    """Ten sealed rows and a checkpoint, kept in the file too."""
    with django_capture_on_commit_callbacks(execute=True):
        events = [audit.record(None, "plan.change", reason=str(n)) for n in range(10)]
        trail_seal()
        checkpoint_now()
    return events


def sql(statement, *values):
    with triggers_lifted(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def key(event):
    return event.pk.hex if connection.vendor == "sqlite" else event.pk


def test_the_fast_canonical_json_is_json():
    values = ['quo"te', "back\\slash", "naïve \u2028", *map(str, range(len(COLUMNS) - 3))]
    assert json.loads(canonical(values).removeprefix(FORMAT)) == dict(
        zip(COLUMNS, values, strict=True)
    )


def test_rows_are_chained_in_their_order_and_only_once(ten):
    assert trail_seal() == 0
    seals = list(AuditSeal.objects.all())
    assert [seal.event_id for seal in seals] == [event.pk for event in ten]
    assert [seal.seq for seal in seals] == list(range(1, 11))
    assert [seal.prev for seal in seals] == [GENESIS, *(seal.hash for seal in seals[:-1])]
    assert not AuditPending.objects.exists()


def test_a_whole_trail_verifies(ten, checkpoint_file):
    verdict = trail_verify()
    assert verdict.is_whole
    assert (verdict.rows, verdict.up_to, verdict.checkpoints) == (10, 10, 1)
    assert verdict.file == str(checkpoint_file)


def test_verification_seals_what_waits(ten):
    audit.record(None, "plan.change")
    assert trail_verify().up_to == 11


def test_times_without_microseconds_verify():
    moment = now().replace(microsecond=0)
    events = [audit.record(None, "plan.change") for _ in range(2)]
    sql("UPDATE accounts_auditevent SET at = %s WHERE id = %s", moment, key(events[0]))
    trail_seal()
    checkpoint_now()
    verdict = trail_verify()
    assert verdict.first.damage == trail_walk.EDITED  # and not a crash over a shorter text
    assert len(verdict.findings) == 1


TEXTS = ("reason", "action", "ip", "role", "outcome", "session", "target", "version", "hmac")


@pytest.mark.parametrize("column", TEXTS)
def test_an_edited_column_is_named(ten, column):
    sql(f"UPDATE accounts_auditevent SET {column} = 'x' WHERE id = %s", key(ten[6]))
    assert (trail_verify().first.seq, trail_verify().first.damage) == (7, trail_walk.EDITED)


def test_a_row_made_to_look_unsigned_is_edited(ten):
    sql("UPDATE accounts_auditevent SET hmac = '', kid = NULL WHERE id = %s", key(ten[3]))
    assert (trail_verify().first.seq, trail_verify().first.damage) == (4, trail_walk.EDITED)


def test_a_deleted_row_is_named(ten):
    sql("DELETE FROM accounts_auditevent WHERE id = %s", key(ten[4]))
    assert (trail_verify().first.seq, trail_verify().first.damage) == (5, trail_walk.DELETED)


def test_a_row_deleted_before_it_was_sealed_is_named(ten):
    event = audit.record(None, "plan.change")
    sql("DELETE FROM accounts_auditevent WHERE id = %s", key(event))
    assert (trail_verify().first.seq, trail_verify().first.damage) == (11, trail_walk.DELETED)


def test_a_missing_link_is_named(ten):
    sql("DELETE FROM accounts_auditseal WHERE seq = 3")
    verdict = trail_verify()
    assert (verdict.first.seq, verdict.first.damage) == (3, trail_walk.MISSING)


def test_a_forged_row_is_named_by_the_number_it_gets(ten):
    columns = ", ".join(f.column for f in AuditEvent._meta.concrete_fields if f.column != "id")
    forged = "f" * 32
    sql(
        f"INSERT INTO accounts_auditevent (id, {columns})"
        f" SELECT %s, {columns} FROM accounts_auditevent WHERE id = %s",
        forged, key(ten[0]),
    )  # fmt: skip
    verdict = trail_verify()
    assert (verdict.first.seq, verdict.first.event) == (11, forged)
    assert {one.damage for one in verdict.findings} == {trail_walk.EDITED, trail.UNSEALED}


def test_a_genuine_row_that_was_kept_from_the_chain_is_named(ten):
    event = audit.record(None, "plan.change")
    AuditPending.objects.all().delete()
    assert trail_verify().first == trail.Finding(11, trail.UNSEALED, event.pk.hex)


def test_a_row_beside_the_chain_is_named_though_another_is_gone(ten):
    """As many rows as links: their numbers alone would tell of nothing."""
    event = audit.record(None, "plan.change")
    AuditPending.objects.all().delete()
    sql("DELETE FROM accounts_auditevent WHERE id = %s", key(ten[4]))
    found = {(one.seq, one.damage) for one in trail_verify().findings}
    assert found == {(5, trail_walk.DELETED), (11, trail_walk.UNSEALED)}
    assert AuditSeal.objects.get(seq=11).event_id == event.pk


def test_swapped_links_are_named(ten):
    sql("UPDATE accounts_auditseal SET event_id = %s WHERE seq = 3", "e" * 32)
    sql("UPDATE accounts_auditseal SET event_id = %s WHERE seq = 8", key(ten[2]))
    sql("UPDATE accounts_auditseal SET event_id = %s WHERE seq = 3", key(ten[7]))
    verdict = trail_verify()
    assert {(one.seq, one.damage) for one in verdict.findings} == {
        (3, trail_walk.LINK),
        (8, trail_walk.LINK),
    }


def test_a_cut_tail_is_shown_by_the_checkpoint(ten):
    sql("DELETE FROM accounts_auditseal WHERE seq > 7")
    for event in ten[7:]:
        sql("DELETE FROM accounts_auditevent WHERE id = %s", key(event))
    assert trail_verify().first == trail.Finding(8, trail.CUT)


def test_a_cut_tail_with_its_checkpoints_is_shown_by_the_file(ten):
    for event in ten[7:]:
        sql("DELETE FROM accounts_auditevent WHERE id = %s", key(event))
    sql("DELETE FROM accounts_auditseal WHERE seq > 7")
    sql("DELETE FROM accounts_auditcheckpoint")
    found = {(one.seq, one.damage) for one in trail_verify().findings}
    assert found == {(8, trail.CUT), (10, trail.DROPPED)}


def queue_all():
    rows = AuditEvent.objects.order_by("at").values_list("pk", flat=True)
    AuditPending.objects.bulk_create(AuditPending(event_id=pk) for pk in rows)


def rebuilt(monkeypatch, mac):
    """Chain everything anew, as somebody does who knows how; `mac` makes the seals' MACs."""
    sql("DELETE FROM accounts_auditseal")
    monkeypatch.setattr(sealing, "purpose_sign", mac)
    AuditPending.objects.bulk_create(
        AuditPending(event_id=pk)
        for pk in AuditEvent.objects.order_by("at").values_list("pk", flat=True)
    )
    trail_seal()
    monkeypatch.undo()


def test_a_chain_rebuilt_by_sql_alone_is_named_at_its_first_link(ten, monkeypatch):
    sql("DELETE FROM accounts_auditevent WHERE id = %s", key(ten[4]))
    kid = AuditSeal.objects.first().kid
    rebuilt(monkeypatch, lambda purpose, message: (kid, b"\0" * 32))
    assert trail_verify().first.seq == 1


def test_a_chain_rebuilt_with_the_stolen_key_is_shown_by_the_checkpoint(ten, monkeypatch):
    sql("DELETE FROM accounts_auditevent WHERE id = %s", key(ten[4]))
    audit.record(None, "plan.change")
    rebuilt(monkeypatch, sealing.purpose_sign)
    assert trail_verify().first == trail.Finding(
        1, trail.REBUILT, AuditSeal.objects.get(seq=10).event_id.hex
    )


def test_a_forged_checkpoint_is_named(ten):
    sql("UPDATE accounts_auditcheckpoint SET count = 11")
    assert trail_verify().first == trail.Finding(10, trail.FORGED)


def test_a_spoilt_checkpoint_file_is_named(ten, checkpoint_file):
    checkpoint_file.write_text(checkpoint_file.read_text() + "{}\nnonsense\n")
    assert {one.damage for one in trail_verify().findings} == {trail.FORGED}


def test_checkpoints_that_were_taken_out_everywhere_are_missed(ten, checkpoint_file, monkeypatch):
    sql("DELETE FROM accounts_auditcheckpoint")
    checkpoint_file.unlink()
    monkeypatch.setattr(trail, "MOST_APART", 9)
    assert trail_verify().first == trail.Finding(1, trail.THINNED)


def test_what_cannot_be_read_is_named_and_the_rest_is_checked(ten):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL holds nothing but text in a text column")
    with triggers_lifted(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_auditevent SET reason = CAST(X'ff' AS TEXT) WHERE id = %s",
            [ten[2].pk.hex],
        )
        cursor.execute(
            "UPDATE accounts_auditevent SET reason = X'ff' WHERE id = %s", [ten[8].pk.hex]
        )
    found = [(one.seq, one.damage) for one in trail_verify().findings]
    assert found == [(3, trail_walk.UNREADABLE), (9, trail_walk.EDITED)]


def test_the_reading_goes_on_as_before_behind_what_cannot_be_read(ten, monkeypatch):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL holds nothing but text in a text column")
    monkeypatch.setattr(reading, "CHUNK", 3)
    spoilt = "UPDATE accounts_auditevent SET reason = CAST(X'ff' AS TEXT) WHERE id = %s"
    for place in (1, 3, 9):
        sql(spoilt, ten[place].pk.hex)
    verdict = trail_verify()
    assert [(one.seq, one.damage) for one in verdict.findings] == [
        (seq, trail_walk.UNREADABLE) for seq in (2, 4, 10)
    ]
    assert verdict.up_to == 10


@pytest.mark.parametrize("chunk", [1, 3, 10, 500])
def test_rows_are_found_whatever_their_times_say(chunk, monkeypatch):
    """Sealed in another order than their times: by a clock that was set, or a slow transaction."""
    monkeypatch.setattr(reading, "CHUNK", chunk)
    newest = now()
    hours = [5, 4, 9, 1, 0, 0, 7, 3, 8, 2]
    events = [
        _signed(AuditEvent(action="plan.change", at=newest - timedelta(hours=one))) for one in hours
    ]
    AuditEvent.objects.bulk_create(events)
    verdict = trail_verify()
    assert verdict.is_whole
    assert verdict.rows == 10
    sql("DELETE FROM accounts_auditevent WHERE id = %s", key(events[6]))
    assert trail_verify().first == trail.Finding(7, trail_walk.DELETED, events[6].pk.hex)


def test_neighbours_are_read_together(ten, django_assert_num_queries):
    with django_assert_num_queries(4 if connection.vendor == "sqlite" else 2):  # its cache's size
        assert len(list(reading.sealed_rows(0))) == 10


def test_only_the_rows_from_before_signing_may_be_unsigned():
    with triggers_lifted():
        AuditEvent.objects.bulk_create(AuditEvent(action="plan.change") for _ in range(3))
    AuditPending.objects.bulk_create(
        AuditPending(event_id=pk) for pk in AuditEvent.objects.values_list("pk", flat=True)
    )
    trail_seal()
    checkpoint_now()
    assert AuditCheckpoint.objects.get().unsigned == 3
    assert trail_verify().is_whole
    AuditEvent.objects.bulk_create([AuditEvent(action="plan.change")])
    assert trail_verify().first.seq == 4


@pytest.mark.django_db(transaction=True)
def test_processes_of_their_own_find_what_one_finds(checkpoint_file, monkeypatch):
    monkeypatch.setattr(trail_walk, "WORTH_A_PROCESS", 5)
    for _ in range(2):
        events = [audit.record(None, "plan.change", reason=str(n)) for n in range(10)]
        trail_seal()
        checkpoint_now()
    whole = trail_verify(processes=2)
    assert (whole.is_whole, whole.rows, whole.up_to, whole.processes) == (True, 20, 20, 2)
    sql("UPDATE accounts_auditevent SET reason = 'x' WHERE id = %s", key(events[6]))
    damaged = trail_verify(processes=2)
    assert damaged.processes == 2
    assert damaged.first == trail_verify().first == trail.Finding(
        17, trail_walk.EDITED, events[6].pk.hex
    )  # fmt: skip


def test_a_later_part_can_be_verified_alone(ten):
    sql("UPDATE accounts_auditevent SET reason = 'x' WHERE id = %s", key(ten[1]))
    assert trail_verify(since=3).is_whole
    assert trail_verify(since=3).rows == 8


# --- checkpoints


def test_a_checkpoint_is_due_after_a_thousand_rows_or_a_minute(ten, monkeypatch):
    audit.record(None, "plan.change")
    trail_seal()
    assert AuditCheckpoint.objects.count() == 1
    monkeypatch.setattr(sealing, "EVERY_ROWS", 1)
    assert checkpoint_due().seq == 11
    audit.record(None, "plan.change")
    monkeypatch.undo()
    trail_seal()
    assert AuditCheckpoint.objects.count() == 2
    monkeypatch.setattr(sealing, "EVERY", now() - now())
    assert checkpoint_due().seq == 12
    assert checkpoint_due() is None


def test_the_file_gets_what_it_missed(ten, checkpoint_file):
    assert checkpoints_keep() == 0
    first = checkpoint_file.read_text()
    checkpoint_file.unlink()
    audit.record(None, "plan.change")
    trail_seal()
    checkpoint_now()
    assert checkpoints_keep() == 2
    assert checkpoint_file.read_text().startswith(first)
    assert parse_checkpoint(first).seq == 10
    assert oct(checkpoint_file.stat().st_mode & 0o777) == "0o640"


def test_a_key_of_the_environment_signs_and_its_public_half_verifies(settings, ten, tmp_path):
    settings.AUDIT_SIGNING_KEY = os.urandom(32)
    audit.record(None, "plan.change")
    trail_seal()
    checkpoint_now()
    assert trail_verify().is_whole  # the vault's key signed the first: it is believed, too
    pem = tmp_path / "audit.pub"
    with pem.open("w") as file:
        call_command("verify_audit", "--print-pubkey", stdout=file)
    verdict = trail_verify(pubkey=pem)
    assert verdict.findings[0] == trail.Finding(10, trail.FORGED)
    assert 11 not in {one.seq for one in verdict.findings}


def test_lines_that_are_no_checkpoints_are_refused():
    for line in ("", "[]", "{}", '{"seq": "1", "hash": "", "count": 1, "time": ""}'):
        with pytest.raises(ValueError, match=r"."):
            parse_checkpoint(line)
    assert not Checkpoint(1, "a", 1, "t", signature="no hex").is_signed_by(
        sealing.signing_key().public_key()
    )


# --- the command, the hourly check


def test_the_command_ends_with_0_for_a_whole_trail(ten, capsys):
    call_command("verify_audit")
    assert "whole up to entry 10" in capsys.readouterr().out
    assert AuditEvent.objects.filter(action="audit.verify", outcome="ok").count() == 1


def test_the_command_ends_with_1_and_names_the_first_bad_entry(ten, capsys):
    sql("DELETE FROM accounts_auditevent WHERE id = %s", key(ten[4]))
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit", "--json")
    said = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1
    assert said["first"] == {"seq": 5, "damage": trail_walk.DELETED, "event": ten[4].pk.hex}
    with pytest.raises(SystemExit):
        call_command("verify_audit", "--since", "2020-01-31")
    assert "First bad entry: 5" in capsys.readouterr().out


def test_damage_found_by_the_hour_is_told_to_auditors_once(ten):
    auditor = UserFactory(role="auditor")
    assert trail_check().is_whole
    sql("DELETE FROM accounts_auditevent WHERE id = %s", key(ten[4]))
    trail_check()
    trail_check()
    notice = Notice.objects.get(to=auditor)
    assert "at entry 5" in notice.words
    assert AuditEvent.objects.filter(action="audit.gap", outcome="failed").count() == 1


# --- parts


def test_parts_end_at_checkpoints_and_cover_everything():
    points = list(range(1_000, 1_000_001, 1_000))
    assert trail_walk._ends(1, 999_999, points, 4) == [250_000, 500_000, 750_000, 999_999]
    assert trail_walk._ends(1, 40_000, points, 4) == [40_000]  # not worth a second process
    assert trail_walk._ends(1, 400_000, [], 4) == [400_000]
    assert trail_walk._ends(1, 400_000, [390_000], 4) == [390_000, 400_000]
    assert trail_walk._ends(300_001, 500_000, points, 2) == [400_000, 500_000]
