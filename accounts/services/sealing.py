"""The sealer: puts each new row of the trail into the chain, and signs how far it got."""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils.timezone import now

from accounts.audit.chain import GENESIS, Checkpoint, link, parse_checkpoint, seal_message
from accounts.audit.reading import event_rows
from accounts.audit.rows import canonical
from accounts.audit.signing import public_pem, signing_key
from accounts.audit.syslog import send_line
from accounts.models import AuditCheckpoint, AuditEvent, AuditPending, AuditSeal
from accounts.vault.purposes import purpose_sign

logger = logging.getLogger(__name__)
BATCH = 1_000
EVERY, EVERY_ROWS = timedelta(seconds=60), 1_000
LOCK = 0x6D656469  # any number that no other advisory lock of this database uses
GONE = b"gone before it was sealed"


def trail_seal() -> int:
    """Seal every row that waits, then sign a checkpoint when one is due; return how many rows.

    Called each second by the worker, and before a verification. Of several that
    run at once one works and the others find nothing to do.
    """
    total = 0
    while AuditPending.objects.exists():  # asked first: SQLite has one writer at a time
        sealed = _seal_batch()
        total += sealed
        if not sealed:
            break
        checkpoint_due()
    if not total:
        checkpoint_due()
    return total


def checkpoint_due() -> Checkpoint | None:
    """Sign how the trail stands, if a minute or 1,000 rows passed since the last checkpoint."""
    last = AuditCheckpoint.objects.order_by("-seq").first()
    newest = AuditSeal.objects.order_by("-seq").first()
    if newest is None or (last is not None and last.seq >= newest.seq):
        return None
    is_young = last is not None and now() - last.at < EVERY
    if is_young and newest.seq - last.seq < EVERY_ROWS:
        return None
    return _checkpoint(newest, last)


def checkpoint_now() -> Checkpoint | None:
    """Sign how the trail stands, unless the last checkpoint says the same."""
    last = AuditCheckpoint.objects.order_by("-seq").first()
    newest = AuditSeal.objects.order_by("-seq").first()
    if newest is None or (last is not None and last.seq >= newest.seq):
        return None
    return _checkpoint(newest, last)


def sealer_wait() -> None:
    """Be the one sealer for the rest of this transaction; another that is at work ends first."""
    if connection.vendor != "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def purge_seal(up_to: int) -> Checkpoint | None:
    """Seal what waits and sign that no link up to `up_to` is there any more."""
    while _seal_batch():
        pass
    newest = AuditSeal.objects.order_by("-seq").first()
    return _checkpoint(newest, AuditCheckpoint.objects.order_by("-seq").first(), purged=up_to)


@transaction.atomic
def _seal_batch() -> int:
    if not _alone():
        return 0
    waiting = list(AuditPending.objects.order_by("pk")[:BATCH])
    known = set(
        AuditSeal.objects.filter(event_id__in=[one.event_id for one in waiting]).values_list(
            "event_id", flat=True
        )
    )
    fresh = list(dict.fromkeys(one.event_id for one in waiting if one.event_id not in known))
    AuditSeal.objects.bulk_create(_links(fresh))
    AuditPending.objects.filter(pk__in=[one.pk for one in waiting]).delete()
    return len(waiting)


def _links(ids: list[UUID]) -> list[AuditSeal]:
    last, rows = AuditSeal.objects.order_by("-seq").first(), event_rows(ids)
    seq, prev = (last.seq, last.hash) if last else (0, GENESIS)
    made = []
    for event_id in ids:
        seq += 1
        digest = link(prev, *_bytes_of(rows.get(event_id.hex)))
        kid, mac = purpose_sign("audit", seal_message(seq, event_id.hex, prev, digest))
        made.append(
            AuditSeal(seq=seq, event_id=event_id, prev=prev, hash=digest, mac=mac.hex(), kid=kid)
        )
        prev = digest
    return made


def _bytes_of(row: tuple | None) -> tuple[bytes, str]:
    """A row that is gone, or is no text any more, is sealed as such: verification names it."""
    if row is None:
        return GONE, ""
    try:
        return canonical(row[0]), str(row[1])
    except TypeError:
        return GONE, ""


def _alone() -> bool:
    """Say whether no other sealer is at work; on SQLite a transaction is alone anyway."""
    if connection.vendor == "sqlite":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return cursor.fetchone()[0]


@transaction.atomic
def _checkpoint(
    newest: AuditSeal, last: AuditCheckpoint | None, *, purged: int | None = None
) -> Checkpoint | None:
    if not _alone() or AuditCheckpoint.objects.filter(seq__gte=newest.seq).exists():
        return None
    moment = now()
    if purged is None:
        purged = last.seq - last.count if last else 0
    unsigned = last.unsigned if last else AuditEvent.objects.filter(kid=None).count()
    point = Checkpoint(
        seq=newest.seq,
        hash=newest.hash,
        count=newest.seq - purged,
        time=moment.isoformat(timespec="seconds"),
        unsigned=unsigned,
    ).signed(signing_key())
    AuditCheckpoint.objects.create(at=moment, **{n: getattr(point, n) for n in point.__slots__})
    transaction.on_commit(checkpoints_keep, robust=True)
    return point


# --- outside of the database


def checkpoints_keep() -> int:
    """Append to the file, and send to the syslog, what the table has and the file has not yet."""
    path = Path(settings.AUDIT_CHECKPOINTS)
    fresh = AuditCheckpoint.objects.filter(seq__gt=_last_kept(path)).order_by("seq")
    points = [as_checkpoint(row) for row in fresh]
    if not points:
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        os.write(handle, "".join(point.line() + "\n" for point in points).encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    _keep_public_key(path.with_suffix(".pub"))
    for point in points:
        send_line(point.line())
    return len(points)


def as_checkpoint(row: AuditCheckpoint) -> Checkpoint:
    return Checkpoint(**{name: getattr(row, name) for name in Checkpoint.__slots__})


def _last_kept(path: Path) -> int:
    """Return the seq of the file's last whole line; 0 where there is none."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        lines = file.read().decode("utf-8", "replace").splitlines()
    for line in reversed(lines):
        try:
            return parse_checkpoint(line).seq
        except ValueError:
            logger.warning("the checkpoint file ends in a line that is none")
    return 0


def _keep_public_key(path: Path) -> None:
    if not path.exists():
        path.write_text(public_pem(), encoding="utf-8")
