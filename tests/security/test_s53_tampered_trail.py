"""S53: 1,000 random tamperings by a superuser of the database: all found, the first one named."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
import uuid

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction

from accounts import audit
from accounts.audit.chain import GENESIS, link, seal_message
from accounts.audit.record import _signed
from accounts.audit.rows import canonical
from accounts.models import AuditCheckpoint, AuditEvent, AuditPending, AuditSeal
from accounts.services import trail_walk
from accounts.services.sealing import checkpoint_now, trail_seal
from accounts.services.trail import trail_verify
from tests.accounts.trail import triggers_lifted
from tests.imaging.live import worker_environment

ROWS, TAMPERINGS, QUIET_ROWS = 60, 1_000, 100_000
COLUMNS = ("action", "reason", "outcome", "target", "ip", "role", "session", "request_id", "at",
           "version", "hmac", "before", "sealed")  # fmt: skip
pytestmark = [pytest.mark.django_db, pytest.mark.slow_security]


@pytest.fixture
def trail_of_sixty(settings, tmp_path):
    settings.AUDIT_CHECKPOINTS = tmp_path / "none.jsonl"
    for number in range(ROWS):
        audit.record(None, "plan.change", reason=str(number))
        if number % 20 == 19:
            trail_seal()
            checkpoint_now()
    assert trail_verify().is_whole


class InOneProcess:
    """Walks the parts one after another: other processes do not see a test's transaction."""

    def __init__(self, count):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def map(self, function, *arguments):
        return list(map(function, *arguments))


def test_a_thousand_tamperings_are_a_thousand_findings(trail_of_sixty, monkeypatch):
    """Every second one by a walk in three parts, as three processes share it."""
    monkeypatch.setattr(trail_walk, "_forked", InOneProcess)
    monkeypatch.setattr(trail_walk, "WORTH_A_PROCESS", 20)
    assert trail_verify(processes=3).processes == 3
    chance = random.Random(53)
    missed, misnamed = [], []
    with triggers_lifted():
        for number in range(TAMPERINGS):
            tamper = TAMPERERS[number % len(TAMPERERS)]
            point = transaction.savepoint()
            with connection.cursor() as cursor:
                first = tamper(cursor, chance)
            found = trail_verify(processes=1 + number // len(TAMPERERS) % 2 * 2).first
            transaction.savepoint_rollback(point)
            if found is None:
                missed.append((number, tamper.__name__))
            elif found.seq != first:
                misnamed.append((number, tamper.__name__, first, found))
    assert trail_verify().is_whole, "each tampering was undone"
    assert not missed
    assert not misnamed


@pytest.mark.django_db(transaction=True)
def test_a_hundred_thousand_honest_rows_raise_no_alarm(settings, tmp_path, capsys):
    settings.AUDIT_CHECKPOINTS = tmp_path / "none.jsonl"
    for start in range(0, QUIET_ROWS, 5_000):
        AuditEvent.objects.bulk_create(_honest(number) for number in range(start, start + 5_000))
    began = time.perf_counter()
    trail_seal()
    sealing = time.perf_counter() - began
    began = time.process_time()
    verdict = trail_verify()
    busy_s = time.process_time() - began
    said = _verify_by_command()
    with capsys.disabled():
        print(
            f"\nS53 {connection.vendor}: {verdict.rows:,} rows sealed at"
            f" {verdict.rows / sealing:,.0f} rows/s; verified at"
            f" {verdict.rows / verdict.elapsed_s:,.0f} rows/s by the clock,"
            f" {verdict.rows / busy_s:,.0f} by processor time; verify_audit says: {said}"
        )
    assert verdict.is_whole
    assert verdict.rows == QUIET_ROWS
    assert verdict.checkpoints >= QUIET_ROWS // 1_000


def _verify_by_command():
    """Return what `manage.py verify_audit` says of the same rows."""
    done = subprocess.run(
        [sys.executable, "manage.py", "verify_audit"], cwd=django_settings.BASE_DIR,
        env=worker_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"in {min(4, os.cpu_count() or 1)} process(es)" in done.stdout
    return done.stdout


def _honest(number):
    """Rows as the house writes them, in ASCII; every tenth with what has to be escaped."""
    facts = {"ip": "192.0.2.1", "role": "radiologist", "version": "0.1.0"}
    reason = f'n° {number} ü\u2028"\\' if number % 10 == 0 else f"Firefox on Linux {number}"
    return _signed(AuditEvent(action="study.view", reason=reason, **facts))


# --- what a superuser may do; each returns the first seq that is bad afterwards


def edit(cursor, chance):
    seal = _any(chance)
    column = chance.choice(COLUMNS)
    value = "2020-02-02 02:02:02" if column == "at" else uuid.uuid4().hex[:16]
    cursor.execute(
        f"UPDATE accounts_auditevent SET {column} = %s WHERE id = %s", [value, _key(seal)]
    )
    return seal.seq


def delete_row(cursor, chance):
    seal = _any(chance)
    cursor.execute("DELETE FROM accounts_auditevent WHERE id = %s", [_key(seal)])
    return seal.seq


def delete_row_and_link(cursor, chance):
    """The link too, and every later one moved up, with hashes calculated anew."""
    seal = _any(chance, most=ROWS - 1)
    cursor.execute("DELETE FROM accounts_auditevent WHERE id = %s", [_key(seal)])
    _rechain(cursor, [one for one in AuditSeal.objects.all() if one.seq != seal.seq])
    return seal.seq


def delete_link(cursor, chance):
    seal = _any(chance)
    cursor.execute("DELETE FROM accounts_auditseal WHERE seq = %s", [seal.seq])
    return seal.seq


def insert_with_the_queue(cursor, chance):
    """A forged row put in as the house puts them: the sealer takes it up."""
    event = _forge(cursor, chance)
    AuditPending.objects.create(event_id=event)
    return ROWS + 1


def insert_beside_the_queue(cursor, chance):
    _forge(cursor, chance)
    return ROWS + 1


def insert_into_the_chain(cursor, chance):
    """A forged row in the middle, and the whole chain calculated anew from there."""
    event, seals = _forge(cursor, chance), list(AuditSeal.objects.all())
    place = chance.randrange(len(seals))
    _rechain(cursor, [*seals[:place], AuditSeal(event_id=event), *seals[place:]])
    return place + 1


def reorder_rows(cursor, chance):
    """Two rows change places: everything but their ids."""
    low, high = _two(chance)
    rows = {one.pk: one for one in AuditEvent.objects.filter(pk__in=[low.event_id, high.event_id])}
    for mine, others in ((low, high), (high, low)):
        other = rows[others.event_id]
        cursor.execute(
            "UPDATE accounts_auditevent SET reason = %s, at = %s, hmac = %s WHERE id = %s",
            [other.reason, other.at.replace(tzinfo=None), other.hmac, _key(mine)],
        )
    return low.seq


def reorder_links(cursor, chance):
    """Two links change places, and the chain is calculated anew."""
    low, high = _two(chance)
    seals = list(AuditSeal.objects.all())
    seals[low.seq - 1], seals[high.seq - 1] = seals[high.seq - 1], seals[low.seq - 1]
    _rechain(cursor, seals)
    return low.seq


def cut_tail(cursor, chance):
    keep = chance.randrange(ROWS)
    gone = [_key(seal) for seal in AuditSeal.objects.filter(seq__gt=keep)]
    cursor.execute("DELETE FROM accounts_auditseal WHERE seq > %s", [keep])
    marks = ", ".join(["%s"] * len(gone))
    cursor.execute(f"DELETE FROM accounts_auditevent WHERE id IN ({marks})", gone)
    return keep + 1


def rebuild(cursor, chance):
    """One row edited, and every link from there calculated anew, as SQL alone can."""
    first = edit(cursor, chance)
    _rechain(cursor, list(AuditSeal.objects.all()))
    return first


def forge_a_checkpoint(cursor, chance):
    point = chance.choice(list(AuditCheckpoint.objects.all()))
    cursor.execute(
        "UPDATE accounts_auditcheckpoint SET hash = %s WHERE seq = %s",
        [uuid.uuid4().hex * 2, point.seq],
    )
    return point.seq


TAMPERERS = (edit, delete_row, delete_row_and_link, delete_link, insert_with_the_queue,
             insert_beside_the_queue, insert_into_the_chain, reorder_rows, reorder_links,
             cut_tail, rebuild, forge_a_checkpoint)  # fmt: skip


def _any(chance, most=ROWS):
    return AuditSeal.objects.get(seq=chance.randint(1, most))


def _two(chance):
    low, high = sorted(chance.sample(range(1, ROWS + 1), 2))
    return AuditSeal.objects.get(seq=low), AuditSeal.objects.get(seq=high)


def _key(seal):
    return seal.event_id.hex if connection.vendor == "sqlite" else seal.event_id


def _forge(cursor, chance):
    """Put in a copy of some row under an id of its own; return that id."""
    event, like = uuid.uuid4(), _any(chance)
    names = [f.column for f in AuditEvent._meta.concrete_fields if f.column != "id"]
    cursor.execute(
        f"INSERT INTO accounts_auditevent (id, {', '.join(names)})"
        f" SELECT %s, {', '.join(names)} FROM accounts_auditevent WHERE id = %s",
        [event.hex if connection.vendor == "sqlite" else event, _key(like)],
    )
    return event


def _rechain(cursor, seals):
    """Write the chain anew in this order with right hashes; the MACs are copied, not made."""
    cursor.execute("DELETE FROM accounts_auditseal")
    events, prev = AuditEvent.objects.in_bulk([one.event_id for one in seals]), GENESIS
    like = seals[0] if seals[0].mac else seals[1]
    made = []
    for seq, seal in enumerate(seals, start=1):
        event = events[seal.event_id]
        digest = link(prev, canonical(event.as_text()), event.hmac)
        assert seal_message(seq, event.pk.hex, prev, digest)
        made.append(AuditSeal(seq=seq, event_id=event.pk, prev=prev, hash=digest,
                              mac=seal.mac or like.mac, kid=seal.kid or like.kid))  # fmt: skip
        prev = digest
    AuditSeal.objects.bulk_create(made)
