"""Rows of the trail as the text that was signed, read by SQL: fast, and as they lie there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import DatabaseError, connection

from accounts.audit.rows import COLUMNS

CHUNK = 5_000
CACHE_KIB = 65_536
_UUIDS = {"id", "actor_id", "organisation_id", "patient", "kid"}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A link whose row the database cannot give back as text: something else was written there."""

    seq: int


def event_rows(ids: Sequence[UUID]) -> dict[str, tuple]:
    """Return {id: (values of COLUMNS, hmac)} of these rows; those that are gone are left out."""
    if not ids:
        return {}
    marks = ", ".join(["%s"] * len(ids))
    keys = [one.hex if connection.vendor == "sqlite" else one for one in ids]
    sql = (  # the columns and marks are ours, the values are bound
        f"SELECT {_columns()} FROM accounts_auditevent e WHERE e.id IN ({marks})"  # nosec B608
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, keys)
        return {row[0]: (row[:-1], row[-1]) for row in cursor.fetchall()}


def sealed_rows(after: int, until: int | None = None) -> Iterator[tuple | Unreadable]:
    """Yield (seq, event, prev, hash, mac, kid, *COLUMNS, hmac) of the links behind `after`.

    A link whose row is gone has None from COLUMNS on.
    """
    with _more_pages_kept():
        yield from _by_chunks(after, until)


def _by_chunks(after: int, until: int | None) -> Iterator[tuple | Unreadable]:
    size = CHUNK
    while until is None or after < until:
        wanted = size if until is None else min(size, until - after)
        got = 0
        try:
            for row in _chunk(after, wanted):
                yield row
                after, got = row[0], got + 1
        except DatabaseError:
            if size > 1:  # the rows before it came through; from here one by one
                size = 1
                continue
            after += 1
            yield Unreadable(after)
            size = CHUNK
            continue
        if got < wanted:
            return
        size = CHUNK


@contextmanager
def _more_pages_kept() -> Iterator[None]:
    """Let SQLite remember what a walk returns to: its rows are found by random ids."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA cache_size").fetchone()[0]
        cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA cache_size = {before}")


def _chunk(after: int, size: int) -> Iterator[tuple]:
    """One row at a time: SQLite then reads each into the memory of the one before."""
    sql = (
        f"SELECT s.seq, {_uuid('s.event_id')}, s.prev, s.hash, s.mac, {_uuid('s.kid')},"  # nosec B608
        f" {_columns()} FROM accounts_auditseal s"
        " LEFT JOIN accounts_auditevent e ON e.id = s.event_id"
        " WHERE s.seq > %s ORDER BY s.seq LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [after, size])
        yield from cursor


def _columns() -> str:
    return ", ".join(_column(name) for name in (*COLUMNS, "hmac"))


def _column(name: str) -> str:
    if name == "id":
        return _uuid("e.id")
    if name in _UUIDS:
        return f"COALESCE({_uuid(f'e.{name}')}, '')"
    if name != "at":
        return f"e.{name}"
    if connection.vendor == "sqlite":  # Django leaves out microseconds that are zero
        return "CASE WHEN length(e.at) = 19 THEN e.at || '.000000' ELSE e.at END"
    return "to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"


def _uuid(column: str) -> str:
    return column if connection.vendor == "sqlite" else f"replace({column}::text, '-', '')"
