"""Rows of the trail as the text that was signed, read by SQL: fast, and as they lie there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import DatabaseError, connection

from accounts.audit.rows import COLUMNS

CHUNK = 1_000
CACHE_KIB = 65_536
_UUIDS = {"id", "actor_id", "organisation_id", "patient", "kid"}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A link whose row the database cannot give back as text: something else was written there."""

    seq: int


def event_rows(ids: Sequence[UUID]) -> dict[str, tuple]:
    """Return {id: (values of COLUMNS, hmac)} of these rows; those that are gone are left out."""
    return {name: (row[:-1], row[-1]) for name, row in _rows([one.hex for one in ids]).items()}


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
    return _joined(after, size) if connection.vendor == "sqlite" else _merged(after, size)


def _joined(after: int, size: int) -> Iterator[tuple]:
    """One row at a time: SQLite then reads each into the memory of the one before."""
    sql = (
        f"SELECT {_link()}, {_columns()} FROM accounts_auditseal s"  # nosec B608
        " LEFT JOIN accounts_auditevent e ON e.id = s.event_id"
        " WHERE s.seq > %s ORDER BY s.seq LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [after, size])
        yield from cursor


def _merged(after: int, size: int) -> Iterator[tuple]:
    """The links, then their rows: PostgreSQL would make a search of its own for each random id.

    Neighbours in the chain are neighbours in time, so most rows come in one stretch of the
    index by time. A time may be forged: it only says where to look, and what is not there is
    looked for by id. (SQLite would take the time itself from that index, not from the row.)
    """
    sql = f"SELECT {_link()} FROM accounts_auditseal s WHERE s.seq > %s ORDER BY s.seq LIMIT %s"  # nosec B608
    with connection.cursor() as cursor:
        cursor.execute(sql, [after, size])
        links = cursor.fetchall()
    ids = [one[1] for one in links]
    rows = _rows_between(ids[0], ids[-1], 2 * size) if len(ids) > 1 else {}
    rows |= _rows([one for one in ids if one not in rows])
    gone = (None,) * (len(COLUMNS) + 1)
    for one in links:
        yield one + rows.get(one[1], gone)


def _rows_between(first: str, last: str, most: int) -> dict[str, tuple]:
    moment = "(SELECT at FROM accounts_auditevent WHERE id = %s)"
    return _selected(
        f"WHERE e.at >= {moment} AND e.at <= {moment} ORDER BY e.at, e.id LIMIT %s",
        [first, last, most],
    )


def _rows(ids: Sequence[str]) -> dict[str, tuple]:
    marks = ", ".join(["%s"] * len(ids))
    return _selected(f"WHERE e.id IN ({marks})", ids) if ids else {}


def _selected(condition: str, values: Sequence) -> dict[str, tuple]:
    """Return {id: (*COLUMNS, hmac)}; columns and condition are ours, the values are bound."""
    sql = f"SELECT {_columns()} FROM accounts_auditevent e {condition}"  # nosec B608
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return {row[0]: row for row in cursor.fetchall()}


def _link() -> str:
    return f"s.seq, {_uuid('s.event_id')}, s.prev, s.hash, s.mac, {_uuid('s.kid')}"


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
