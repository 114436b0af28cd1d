"""The table of measures as a workbook: text is text, never a formula, and numbers are numbers."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from reports.table import COLUMNS, Cell, Column

LONGEST = 32_767  # letters that a cell holds; the record has them all
PIECE = 1 << 20
SAFE = {  # nothing of a patient in a temporary file, and nothing guessed from text
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}


def xlsx_chunks(
    rows: Iterable[tuple[Cell, ...]],
    *,
    notice: str,
    made_at: datetime,
    columns: Sequence[Column] = COLUMNS,
) -> Iterator[bytes]:
    """Yield the workbook piece by piece: the cells of a CSV, with units in the head.

    The whole of it is held in memory; an export has a bounded number of results, a cohort of
    pictures.
    """
    sink = io.BytesIO()
    with Workbook(sink, SAFE) as book:
        book.set_properties({"title": "MediScan: measures", "comments": notice, "created": made_at})
        _fill(book, rows, columns, notice)
    sink.seek(0)
    while piece := sink.read(PIECE):
        yield piece


def _fill(
    book: Workbook, rows: Iterable[tuple[Cell, ...]], columns: Sequence[Column], notice: str
) -> None:
    sheet = book.add_worksheet("Measures")
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    formats = [book.add_format({"num_format": one.format, "valign": "top"}) for one in columns]
    for at, column in enumerate(columns):
        sheet.set_column(at, at, column.width, formats[at])
        sheet.write_string(0, at, heading(column), head)
    last = 0
    for last, row in enumerate(rows, start=1):
        for at, value in enumerate(row):
            _write(sheet, last, at, value, formats[at])
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, last, len(columns) - 1)
    sheet.set_landscape()
    sheet.repeat_rows(0)
    sheet.set_footer(f"&L{notice.replace('&', '&&')[:200]}&R&P / &N")


def heading(column: Column) -> str:
    """Return the name that the CSV has for it, and the unit below."""
    return f"{column.name}\n[{column.unit}]" if column.unit else column.name


def _write(sheet: Worksheet, row: int, at: int, value: Cell, style: Format) -> None:
    if value is None or value == "":
        return
    if isinstance(value, datetime):
        sheet.write_datetime(row, at, value.astimezone(UTC).replace(tzinfo=None), style)
    elif isinstance(value, str):
        text = value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…"
        sheet.write_string(row, at, text, style)
    else:
        sheet.write_number(row, at, value, style)
