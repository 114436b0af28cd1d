"""Verifying the trail: every row, every link, every checkpoint; the first bad one is named."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils.timezone import now

from accounts import audit
from accounts.audit.chain import GENESIS, Checkpoint, link, parse_checkpoint, seal_message
from accounts.audit.reading import Unreadable, sealed_rows
from accounts.audit.rows import COLUMNS, canonical
from accounts.audit.signing import believed_keys
from accounts.models import AuditCheckpoint, AuditEvent, AuditPending, AuditSeal, User
from accounts.roles import AUDITOR
from accounts.services.notices import notice_send_to_role
from accounts.services.sealing import EVERY_ROWS, as_checkpoint, trail_seal
from accounts.vault.cipher import VaultError
from accounts.vault.purposes import purpose_mac

logger = logging.getLogger(__name__)
_KID, _HMAC = COLUMNS.index("kid"), -1
MOST_APART = 5 * EVERY_ROWS
AT_ONCE = 50_000  # links that a page verifies
AGAIN = timedelta(hours=24)  # the same finding is not told anew before

# kinds of damage, as the command, the page and the notice name them
EDITED = "the row was edited or forged"
DELETED = "the row was deleted"
LINK = "the link was changed, moved or inserted"
MISSING = "a link is missing"
UNREADABLE = "the row cannot be read"
UNSEALED = "the row was put in beside the chain"
CUT = "the end of the trail was cut off"
REBUILT = "the chain differs from a signed checkpoint"
FORGED = "a checkpoint has no valid signature"
DROPPED = "a checkpoint was removed from the database"
THINNED = "checkpoints are missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of damage; `seq` is where the trail is first not to be trusted."""

    seq: int
    damage: str
    event: str = ""


@dataclass(slots=True)
class Verdict:
    """What a verification found; `first` is the earliest damage, None when all is well."""

    rows: int = 0
    up_to: int = 0
    checkpoints: int = 0
    file: str = ""
    elapsed_s: float = 0.0
    findings: list[Finding] = field(default_factory=list)

    @property
    def first(self) -> Finding | None:
        return min(self.findings, key=lambda one: one.seq, default=None)

    @property
    def is_whole(self) -> bool:
        return not self.findings


def trail_verify(
    *, since: int = 1, checkpoints: Path | None = None, pubkey: Path | None = None
) -> Verdict:
    """Read the trail from link `since` on and compare it with its checkpoints.

    `checkpoints` is the file kept outside the database (AUDIT_CHECKPOINTS where it
    exists, unless given), `pubkey` the only key then believed. Rows that wait are
    sealed first, those beside the chain too: so each has a number to be named by.
    """
    began, verdict = time.perf_counter(), Verdict()
    trail_seal()
    beside = _adopt()
    trail_seal()
    path = checkpoints or _kept()
    points = _points(path, believed_keys(pubkey), verdict)
    _walk(max(since, 1), points, verdict)
    _compare_end(points, verdict)
    sealed = AuditSeal.objects.filter(event_id__in=beside).values_list("seq", "event_id")
    verdict.findings += [Finding(seq, UNSEALED, event.hex) for seq, event in sealed]
    verdict.file, verdict.elapsed_s = str(path or ""), time.perf_counter() - began
    return verdict


def trail_verify_newest(*, around: int | None = None) -> Verdict:
    """Verify the newest AT_ONCE links, or those around one: as much as a page may wait for.

    The whole is the worker's, each hour, and the command's.
    """
    newest = AuditSeal.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
    if around is None:
        return trail_verify(since=newest - AT_ONCE + 1)
    verdict = Verdict()
    points = _points(_kept(), believed_keys(), verdict)
    _walk(max(around - 2, 1), points, verdict, until=around + 2)
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


def _tell(first: Finding) -> None:
    reason = f"entry {first.seq}: {first.damage}"
    said = AuditEvent.objects.filter(action="audit.gap", reason=reason, at__gt=now() - AGAIN)
    logger.error("the audit trail is damaged: %s", reason)
    if said.exists():
        return
    audit.record(None, "audit.gap", outcome="failed", reason=reason)
    facts = {"seq": first.seq, "damage": first.damage}
    notice_send_to_role(role=AUDITOR, kind="audit_gap", facts=facts)


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
    verdict.checkpoints = len(good)
    return good


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


# --- the walk


def _walk(
    since: int, points: dict[int, Checkpoint], verdict: Verdict, until: int | None = None
) -> None:
    """Check each link behind `since` - 1; the link before it is believed by its own MAC."""
    macs, events, good = _Macs(), _Macs(), since - 1
    before, known = AuditSeal.objects.filter(seq=since - 1).first(), len(verdict.findings)
    prev, expected = (before.hash if before else GENESIS), since
    unsigned = min((point.unsigned for point in points.values()), default=0)
    for row in sealed_rows(since - 1, until):
        if isinstance(row, Unreadable):
            verdict.findings.append(Finding(row.seq, UNREADABLE))
            verdict.up_to, expected, prev = row.seq, row.seq + 1, ""
            continue
        seq, event, own_prev, digest = row[:4]
        if seq != expected:
            verdict.findings.append(Finding(expected, MISSING))
        elif prev and own_prev != prev:
            verdict.findings.append(Finding(seq, LINK, event))
        damage = _damage(row, macs, events, unsigned)
        if damage:
            verdict.findings.append(Finding(seq, damage, event))
        point = points.get(seq)
        if point is not None:
            is_explained = any(one.seq > good for one in verdict.findings[known:])
            if point.hash != digest and not is_explained:  # somewhere since the last checkpoint
                verdict.findings.append(Finding(good + 1, REBUILT, event))
            good = seq
        prev, expected = digest, seq + 1
        verdict.rows += 1
        verdict.up_to = seq


def _damage(row: tuple, macs: _Macs, events: _Macs, unsigned: int) -> str:
    """Return what is wrong with one link and its row, "" for nothing."""
    seq, event, prev, digest, mac, kid = row[:6]
    values, row_mac = row[6:-1], row[-1]
    if not macs.is_genuine(kid, seal_message(seq, event, prev, digest), mac):
        return LINK
    if values[0] is None:
        return DELETED
    try:
        text = canonical(values)
    except TypeError:
        return EDITED
    if values[_KID] == "" and row_mac == "" and seq <= unsigned:
        pass  # from before rows were signed; the first checkpoint fixes how many those are
    elif not events.is_genuine(values[_KID], text, row_mac):
        return EDITED
    return "" if link(prev, text, row_mac) == digest else EDITED


class _Macs:
    """Checks MACs under the trail's keys; each key is fetched once for the whole walk."""

    def __init__(self) -> None:
        self._makers: dict[str, Callable[[bytes], bytes] | None] = {}

    def is_genuine(self, kid: str, message: bytes, mac: str) -> bool:
        if kid not in self._makers:
            self._makers[kid] = self._maker(kid)
        maker = self._makers[kid]
        return maker is not None and maker(message).hex() == mac

    def _maker(self, kid: str) -> Callable[[bytes], bytes] | None:
        try:
            return purpose_mac("audit", UUID(kid))
        except (VaultError, ValueError, TypeError, AttributeError):
            return None
