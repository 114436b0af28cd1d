"""PURE: cells that no spreadsheet takes for a formula, lines as RFC 4180 has them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

MARK = "\ufeff".encode()  # tells spreadsheets that UTF-8 follows
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")


def safe(value: str) -> str:
    """Return `value` as a cell that no spreadsheet takes for a formula."""
    cleaned = value.replace("\0", "")
    return f"'{cleaned}" if cleaned.lstrip(" ").startswith(DANGEROUS) else cleaned


def csv_line(cells: Iterable) -> bytes:
    """Return one line of the file; a number is written as it is, text should be `safe`."""
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\r\n").writerow(cells)
    return sink.getvalue().encode()
