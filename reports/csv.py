"""The table of measures as CSV that no spreadsheet executes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from accounts.csv_cells import MARK, csv_line, safe
from reports.table import HEAD, Cell


def csv_lines(rows: Iterable[tuple[Cell, ...]], head: Sequence[str] = HEAD) -> Iterator[bytes]:
    """Yield the file line by line: UTF-8 with a mark for spreadsheets, RFC 4180, decimal points."""
    yield MARK
    yield csv_line(head)
    for row in rows:
        yield csv_line(map(_cell, row))


def _cell(value: Cell) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return safe(value) if isinstance(value, str) else value
