"""Verifying the trail: every row, every link, every checkpoint; the first bad one is named."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils.timezone import now

from accounts import audit
from accounts.audit.chain import Checkpoint, parse_checkpoint, purged_up_to
from accounts.audit.signing import believed_keys
from accounts.models import AuditCheckpoint, AuditEvent, AuditPending, AuditSeal, User
from accounts.roles import AUDITOR
from accounts.services.notices import notice_send_to_role
from accounts.services.sealing import EVERY_ROWS, as_checkpoint, trail_seal
from accounts.services.trail_walk import (
    CUT,
    DROPPED,
    FORGED,
    REBUILT,
    THINNED,
    UNSEALED,
    Finding,
    Signed,
    Verdict,
    walk,
    walk_together,
)

logger = logging.getLogger(__name__)
MOST_APART = 5 * EVERY_ROWS
AT_ONCE = 50_000  # links that a page verifies
AGAIN = timedelta(hours=24)  # the same finding is not told anew before


def trail_verify(
    *,
    since: int = 1,
    checkpoints: Path | None = None,
    pubkey: Path | None = None,
    processes: int = 1,
) -> Verdict:
    """Read the trail from link `since` on and compare it with its checkpoints.

    `checkpoints` is the file kept outside the database (AUDIT_CHECKPOINTS where it
    exists, unless given), `pubkey` the only key then believed. Rows that wait are
    sealed first, those beside the chain too: so each has a number to be named by.
    """
    began = time.perf_counter()
    trail_seal()
    counted = since == 1 and _is_one_link_for_each_row()
    verdict = _verified(since, checkpoints, pubkey, processes, [] if counted else _adopt())
    if counted and not verdict.is_whole:  # a row beside the chain may stand for one deleted
        verdict = _verified(since, checkpoints, pubkey, processes, _adopt())
    verdict.elapsed_s = time.perf_counter() - began
    return verdict


def trail_verify_newest(*, around: int | None = None) -> Verdict:
    """Verify the newest AT_ONCE links, or those around one: as much as a page may wait for.

    The whole is the worker's, each hour, and the command's.
    """
    newest = AuditSeal.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
    if around is None:
        return trail_verify(since=newest - AT_ONCE + 1)
    noted = Verdict()
    points = _points(_kept(), believed_keys(), noted)
    since = max(around - 2, purged_up_to(points.values()) + 1)
    verdict = walk(since, around + 2, _signed(points))
    verdict.findings = noted.findings + verdict.findings
    _compare_end(points, verdict, is_end=verdict.up_to >= newest)
    return verdict


def trail_check() -> Verdict:
    """Verify the whole, write that down, and tell auditors of damage: once a day for the same."""
    verdict = trail_verify()
    verification_record(user=None, verdict=verdict)
    if verdict.first is not None:
        _tell(verdict.first)
    return verdict


def verification_record(*, user: User | None, verdict: Verdict, request_id: str = "") -> None:
    """Write down that somebody verified the trail, and what came of it."""
    first = verdict.first
    said = f"up to {verdict.up_to}" if first is None else f"entry {first.seq}: {first.damage}"
    audit.record(
        user,
        "audit.verify",
        outcome="ok" if first is None else "failed",
        reason=said,
        request_id=request_id,
    )


def _verified(
    since: int, checkpoints: Path | None, pubkey: Path | None, processes: int, beside: list[UUID]
) -> Verdict:
    """Seal the rows that lay beside the chain, then walk it and look at its checkpoints."""
    if beside:
        trail_seal()
    noted, path = Verdict(), checkpoints or _kept()
    points = _points(path, believed_keys(pubkey), noted)
    purged = purged_up_to(points.values())
    verdict = walk_together(max(since, purged + 1), _signed(points), processes)
    verdict.findings = noted.findings + verdict.findings
    verdict.checkpoints, verdict.purged, verdict.file = len(points), purged, str(path or "")
    _compare_end(points, verdict)
    sealed = AuditSeal.objects.filter(event_id__in=beside).values_list("seq", "event_id")
    verdict.findings += [Finding(seq, UNSEALED, event.hex) for seq, event in sealed]
    return verdict


def _tell(first: Finding) -> None:
    reason = f"entry {first.seq}: {first.damage}"
    said = AuditEvent.objects.filter(action="audit.gap", reason=reason, at__gt=now() - AGAIN)
    logger.error("the audit trail is damaged: %s", reason)
    if said.exists():
        return
    audit.record(None, "audit.gap", outcome="failed", reason=reason)
    facts = {"seq": first.seq, "damage": first.damage}
    notice_send_to_role(role=AUDITOR, kind="audit_gap", facts=facts)


def _is_one_link_for_each_row() -> bool:
    """Compare numbers: none lies beside the chain then, if the walk finds each link's row."""
    with connection.cursor() as cursor:
        cursor.execute(  # one statement, so that the three are of one moment
            "SELECT (SELECT count(*) FROM accounts_auditevent),"
            " (SELECT count(*) FROM accounts_auditseal),"
            " (SELECT count(*) FROM accounts_auditpending)"
        )
        rows, links, waiting = cursor.fetchone()
    return rows == links and not waiting


def _adopt() -> list[UUID]:
    """Queue the rows that are neither in the chain nor on their way into it."""
    rows = AuditEvent.objects.filter(
        ~Exists(AuditSeal.objects.filter(event_id=OuterRef("pk"))),
        ~Exists(AuditPending.objects.filter(event_id=OuterRef("pk"))),
    )
    beside = list(rows.order_by("at", "pk").values_list("pk", flat=True))
    AuditPending.objects.bulk_create(AuditPending(event_id=pk) for pk in beside)
    return beside


# --- the checkpoints


def _kept() -> Path | None:
    path = Path(settings.AUDIT_CHECKPOINTS)
    return path if path.exists() else None


def _points(path: Path | None, keys: dict, verdict: Verdict) -> dict[int, Checkpoint]:
    """Return the signed checkpoints of table and file by seq; note what is wrong with them."""
    table = [as_checkpoint(row) for row in AuditCheckpoint.objects.all()]
    good = {point.seq: point for point in _genuine(table, keys, verdict)}
    if path is not None:
        for point in _genuine(_read(path, verdict), keys, verdict):
            if point.seq not in good:
                verdict.findings.append(Finding(point.seq, DROPPED))
            elif good[point.seq].hash != point.hash:
                verdict.findings.append(Finding(point.seq, REBUILT))
            good[point.seq] = point
    return good


def _signed(points: dict[int, Checkpoint]) -> Signed:
    unsigned = min((point.unsigned for point in points.values()), default=0)
    return Signed({point.seq: point.hash for point in points.values()}, unsigned)


def _genuine(points: Iterable[Checkpoint], keys: dict, verdict: Verdict) -> Iterable[Checkpoint]:
    for point in points:
        key = keys.get(point.key)
        if key is not None and point.is_signed_by(key):
            yield point
        else:
            verdict.findings.append(Finding(point.seq, FORGED))


def _read(path: Path, verdict: Verdict) -> Iterable[Checkpoint]:
    last = 0
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            point = parse_checkpoint(line)
        except ValueError:
            verdict.findings.append(Finding(last + 1, FORGED))
        else:
            last = point.seq
            yield point


def _compare_end(points: dict[int, Checkpoint], verdict: Verdict, *, is_end: bool = True) -> None:
    newest = max(points, default=0)
    if is_end and newest > verdict.up_to:
        verdict.findings.append(Finding(verdict.up_to + 1, CUT))
    last = 0
    for seq in [*sorted(points), verdict.up_to]:
        if seq - last > MOST_APART:  # one is signed at least every EVERY_ROWS
            verdict.findings.append(Finding(last + 1, THINNED))
        last = seq
