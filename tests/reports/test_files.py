"""CSV that no spreadsheet executes, ZIPs that are whole, words that PDFs print."""

import csv
import io
import zipfile

import pytest

from accounts.csv_cells import safe
from reports.content import measure_lines, number, range_sentence
from reports.csv import csv_lines
from reports.letters import runs
from reports.table import HEAD, table_rows
from reports.zips import zip_chunks
from tests.imaging.factories import ResultFactory, operating_row


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠", " =", "\0="]
)
def test_a_cell_that_a_spreadsheet_would_execute_is_quoted(start):
    assert safe(f"{start}cmd|' /C calc'!A0").startswith("'")


def test_plain_cells_stay_as_they_are():
    assert safe("Müller, Jörg") == "Müller, Jörg"


@pytest.mark.django_db
def test_csv_has_one_row_per_result_and_parses_back():
    result = ResultFactory()
    result.image.source.name = '=HYPERLINK("http://x"),\r\n"evil".png'
    result.image.source.save()
    data = b"".join(csv_lines(table_rows([result], notice="Research use only"))).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(data, newline="")))
    assert tuple(rows[0]) == HEAD
    assert rows[0]["area_percent"] == "26.04"
    assert rows[0]["area_mm2"] == ""
    assert rows[0]["file"].startswith("'=HYPERLINK")
    assert rows[0]["notice"] == "Research use only"


def test_a_zip_made_piece_by_piece_is_whole():
    members = [("a.txt", b"first"), ("b.bin", bytes(100_000)), ("empty", b"")]

    def pieces(data):
        return (data[start : start + 30_000] for start in range(0, len(data), 30_000))

    made = list(zip_chunks((name, len(data), pieces(data)) for name, data in members))
    assert max(map(len, made)) < 40_000
    archive = zipfile.ZipFile(io.BytesIO(b"".join(made)))
    assert archive.testzip() is None
    assert [(name, archive.read(name)) for name in archive.namelist()] == members


def test_measures_carry_their_denominator_or_their_reason():
    row = operating_row(
        circularity=None, reasons={"circularity": "Every region is smaller than 12 px."}
    )
    lines = {
        line.name: line for line in measure_lines(row, intensity_range=[0, 255], calibrated=False)
    }
    assert lines["Affected area"].note == "of whole image"
    assert (lines["Circularity"].value, lines["Circularity"].note) == (
        "—",
        "Every region is smaller than 12 px.",
    )
    assert "Area" not in lines
    assert number(None) == "—"


def test_ranges_are_printed_as_they_were_stored_or_not_at_all():
    stored = {
        "thresholds": [
            {"t": 0.4, "area_px": 9, "area_text": "9.00 %"},
            {"t": 0.6, "area_px": 7, "area_text": "7.00 %"},
        ],
        "eroded_px": 6, "eroded_text": "6.00 %", "dilated_px": 10, "dilated_text": "10.00 %",
    }  # fmt: skip
    assert range_sentence(stored) == (
        "Sensitivity ranges of the area: 9.00 % at threshold 0.40, 7.00 % at threshold 0.60, "
        "6.00 % and 10.00 % with the outline a pixel in and out. No confidence interval."
    )
    assert range_sentence(None) == ""


def test_text_is_split_by_the_font_that_holds_it():
    assert runs("Novák 王小明 x") == [("", "Novák "), ("cjk", "王小明 "), ("", "x")]
    assert runs("محمد")[0][0] == "arab"
