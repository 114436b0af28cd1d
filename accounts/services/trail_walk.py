"""The walk along the trail: every row, link and signed hash, and what is wrong with each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from uuid import UUID

from django.db import connections

from accounts.audit.chain import GENESIS, link, seal_message
from accounts.audit.reading import Unreadable, sealed_rows
from accounts.audit.rows import COLUMNS, canonical
from accounts.models import AuditSeal
from accounts.vault.cipher import VaultError
from accounts.vault.purposes import purpose_mac

_KID = COLUMNS.index("kid")
WORTH_A_PROCESS = 25_000  # links: a second of work at most

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
    purged: int = 0
    file: str = ""
    elapsed_s: float = 0.0
    processes: int = 1
    findings: list[Finding] = field(default_factory=list)

    @property
    def first(self) -> Finding | None:
        return min(self.findings, key=lambda one: one.seq, default=None)

    @property
    def is_whole(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True)
class Signed:
    """What the checkpoints say: the hash at some links, how many rows are from before signing."""

    hashes: Mapping[int, str]
    unsigned: int = 0


def walk(since: int, until: int | None, signed: Signed) -> Verdict:
    """Check each link from `since` on; the one before it is believed by checkpoint or MAC."""
    verdict, macs, good = Verdict(), _Macs(), since - 1
    prev, expected, rows = _hash_before(since, signed), since, 0
    hashes, unsigned, found = signed.hashes, signed.unsigned, verdict.findings
    for row in sealed_rows(since - 1, until):
        if isinstance(row, Unreadable):
            found.append(Finding(row.seq, UNREADABLE))
            expected, prev = row.seq + 1, ""
            continue
        seq, event, own_prev, digest = row[:4]
        if seq != expected:
            found.append(Finding(expected, MISSING))
        elif own_prev != prev and prev:
            found.append(Finding(seq, LINK, event))
        damage = _damage(row, macs, unsigned)
        if damage:
            found.append(Finding(seq, damage, event))
        if seq in hashes:
            is_explained = any(one.seq > good for one in found)
            if hashes[seq] != digest and not is_explained:  # since the last checkpoint
                found.append(Finding(good + 1, REBUILT, event))
            good = seq
        prev, expected = digest, seq + 1
        rows += 1
    verdict.rows, verdict.up_to = rows, expected - 1 if expected > since else 0
    return verdict


def walk_together(since: int, signed: Signed, processes: int) -> Verdict:
    """Walk the trail in parts of a process each; they end at checkpoints, so that they meet.

    For the command alone: the processes are forked, which a process of one thread may, and see
    what is committed.
    """
    newest = AuditSeal.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
    ends = _ends(since, newest, sorted(signed.hashes), processes)
    if len(ends) < 2:
        return walk(since, None, signed)
    starts = [since, *(end + 1 for end in ends[:-1])]
    untils = [*ends[:-1], None]
    with _forked(len(ends)) as pool:
        parts = list(pool.map(walk, starts, untils, [signed] * len(ends)))
    whole = Verdict(processes=len(ends))
    for part, until in zip(parts, untils, strict=True):
        whole.rows, whole.up_to = whole.rows + part.rows, max(whole.up_to, part.up_to)
        whole.findings += part.findings
        if until is not None and part.up_to < until:
            whole.findings.append(Finding(max(part.up_to + 1, 1), MISSING))
    return whole


def _forked(count: int) -> ProcessPoolExecutor:
    connections.close_all()  # each process opens its own
    return ProcessPoolExecutor(count, get_context("fork"))


def _ends(since: int, newest: int, points: list[int], processes: int) -> list[int]:
    """Return where each part ends: at a checkpoint, the last one at the end."""
    count = min(processes, (newest - since + 1) // WORTH_A_PROCESS)
    inner = []
    for part in range(1, count):
        wanted = since - 1 + (newest - since + 1) * part // count
        end = next((seq for seq in points if wanted <= seq < newest), None)
        if end is not None and end not in inner:
            inner.append(end)
    return [*inner, newest]


def _hash_before(since: int, signed: Signed) -> str:
    if since - 1 in signed.hashes:
        return signed.hashes[since - 1]
    before = AuditSeal.objects.filter(seq=since - 1).first()
    return before.hash if before else GENESIS


def _damage(row: tuple, macs: _Macs, unsigned: int) -> str:
    """Return what is wrong with one link and its row, "" for nothing."""
    seq, event, prev, digest, mac, kid = row[:6]
    values, row_mac = row[6:-1], row[-1]
    if macs[kid](seal_message(seq, event, prev, digest)) != mac:
        return LINK
    if values[0] is None:
        return DELETED
    try:
        text = canonical(values)
    except TypeError:
        return EDITED
    row_kid = values[_KID]
    if row_kid == "" and row_mac == "" and seq <= unsigned:
        pass  # from before rows were signed; the first checkpoint fixes how many those are
    elif macs[row_kid](text) != row_mac:
        return EDITED
    return "" if link(prev, text, row_mac) == digest else EDITED


class _Macs(dict[str, Callable[[bytes], str | None]]):
    """What makes the MACs of each key of the trail; a key is fetched once for the whole walk."""

    def __missing__(self, kid: str) -> Callable[[bytes], str | None]:
        try:
            self[kid] = purpose_mac("audit", UUID(kid))
        except (VaultError, ValueError, TypeError, AttributeError):
            self[kid] = lambda message: None  # no MAC is right under a key that is none
        return self[kid]
