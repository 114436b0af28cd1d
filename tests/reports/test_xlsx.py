"""The workbook says what the CSV says: text as text, numbers as numbers, days as days."""

import csv
import io

import pytest
from django.conf import settings
from django.utils.timezone import now
from openpyxl import load_workbook

from accounts.vault.storage import blob_open
from reports import tasks, xlsx
from reports.csv import csv_lines
from reports.models import ExportStatus
from reports.table import COLUMNS, HEAD, table_rows
from reports.xlsx import heading, xlsx_chunks
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ResultFactory
from tests.reports.factories import ExportFactory

pytestmark = pytest.mark.django_db
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "{=1}", '=HYPERLINK("http://x","y")',
            "http://x.example/", "3.5", "_x0041_"]  # fmt: skip


def sheet_of(results, notice="Research use only"):
    rows = table_rows(results, notice=notice)
    made = b"".join(xlsx_chunks(rows, notice=notice, made_at=now()))
    return load_workbook(io.BytesIO(made))["Measures"]


def cells(sheet, number=2) -> dict:
    return dict(zip(HEAD, [cell.value for cell in sheet[number]], strict=True))


def test_it_has_the_columns_and_the_values_of_the_csv():
    results = [ResultFactory(), ResultFactory()]
    results[0].image.source.name = "=file.png"
    sheet = sheet_of(results)
    assert [cell.value for cell in sheet[1]] == [heading(one) for one in COLUMNS]
    data = b"".join(csv_lines(table_rows(results, notice="Research use only")))
    for number, row in enumerate(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))), start=2):
        for name, value in cells(sheet, number).items():
            if value is None:
                assert row[name] == "", name
            elif hasattr(value, "isoformat"):
                assert f"{value:%Y-%m-%dT%H:%M:%SZ}" == row[name]
            elif isinstance(value, str):
                assert value == row[name].removeprefix("'"), name
            else:
                assert value == float(row[name]), name


def test_numbers_and_days_are_what_a_spreadsheet_counts_with():
    sheet = sheet_of([ResultFactory()])
    row = cells(sheet)
    assert row["area_percent"] == 26.04
    assert "area_percent\n[%]" in [cell.value for cell in sheet[1]]
    assert sheet.cell(2, HEAD.index("area_percent") + 1).number_format == "0.00"
    assert sheet.cell(2, HEAD.index("analysed_at") + 1).is_date
    assert sheet.freeze_panes == "A2"
    assert sheet.column_dimensions["A"].width > 30


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_person_typed_is_text_and_no_link(text):
    result = ResultFactory()
    result.patient.name = result.image.source.name = result.job.run.title = text
    sheet = sheet_of([result])
    for name in ("patient_name", "file", "ensemble"):
        cell = sheet.cell(2, HEAD.index(name) + 1)
        assert (cell.data_type, cell.value) == ("s", text)
        assert cell.hyperlink is None


def test_a_long_text_is_cut_with_a_mark_and_never_dropped(monkeypatch):
    monkeypatch.setattr(xlsx, "LONGEST", 10)
    result = ResultFactory()
    result.job.run.title = "An ensemble of a long name"
    assert cells(sheet_of([result]))["ensemble"] == "An ensemb…"


def test_the_worker_makes_it_of_a_selection_with_the_notice(monkeypatch):
    opened = []
    monkeypatch.setattr("tempfile.mkstemp", lambda *args, **kw: opened.append(args))
    owner = UserFactory()
    results = [ResultFactory(user=owner) for _ in range(3)]
    export = ExportFactory(results=results, items=results, kind="xlsx")
    tasks.make_export(str(export.pk))
    export.refresh_from_db()
    assert export.status == ExportStatus.SUCCEEDED, export.error
    assert set(export.items.values_list("state", flat=True)) == {"done"}
    sheet = load_workbook(io.BytesIO(blob_open(export.blob).read()))["Measures"]
    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == [str(one.pk) for one in results]
    assert cells(sheet)["notice"] == settings.RESEARCH_NOTICE
    assert settings.RESEARCH_NOTICE[:40] in sheet.oddFooter.left.text
    assert opened == []
