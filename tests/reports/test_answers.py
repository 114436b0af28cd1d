"""Classes, boxes and refusals in the PDF, the CSV and the ZIP: as they are stored."""

import csv
import io

import pytest
from django.utils.timezone import now
from pypdf import PdfReader

from imaging.models import Result
from reports.csv import csv_lines
from reports.gather import report_content
from reports.making import pdf_of
from reports.table import table_rows
from tests.accounts.factories import UserFactory
from tests.imaging.analyses import (
    REFUSAL,
    box_analysis,
    class_analysis,
    fake_analysis,
    refused_analysis,
    result_of,
)

pytestmark = pytest.mark.django_db
CASES = [
    (class_analysis, "classification", ["tuberculosis", "0.83", "not validated", "Classes"]),
    (box_analysis, "detection", ["B1 tumour", "0.90", "x 2 to 12", "Boxes"]),
    (refused_analysis, "segmentation", ["Not analysed", REFUSAL]),
]


@pytest.fixture
def stored(tmp_path):
    return lambda make, kind: result_of(UserFactory(), make, kind, tmp_path)


@pytest.mark.parametrize(("make", "kind", "words"), CASES)
def test_the_report_says_it_on_one_page(stored, make, kind, words):
    pages = PdfReader(io.BytesIO(pdf_of(stored(make, kind)))).pages
    text = " ".join(pages[0].extract_text().split())
    assert [word for word in words if word not in text] == []
    assert len(pages) == 1


def rows(*results):
    data = b"".join(csv_lines(table_rows(results, notice="Research use only")))
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def test_the_csv_has_a_column_for_each(stored):
    classes, boxes, refused = (stored(make, kind) for make, kind, _words in CASES)
    first, second, third = rows(classes, boxes, refused)
    assert first["task"] == "classification"
    assert first["classes"] == "tuberculosis=0.83 positive; effusion=0.2 negative"
    assert (first["area_percent"], first["input_check"]) == ("", "Passed")
    assert second["boxes"].startswith("tumour 0.9 [2 3 12.5 9] slice 1; tumour 0.6")
    assert (third["input_check"], third["answer"]) == ("Not analysed", "Not analysed")
    assert REFUSAL in third["input_check_reasons"]
    assert third["area_px"] == ""


def test_a_set_aside_refusal_stands_on_every_print(stored):
    def make(job, folder):
        gate = refused_analysis(job, folder)["gate"] | {"overridden": True}
        return fake_analysis(job, folder) | {"gate": gate}

    result = stored(make, "segmentation")
    run = result.job.run
    run.override_reason = "The plate was cut on purpose."
    run.save()
    content = report_content(Result.objects.get(pk=result.pk), made_at=now())
    assert content.gate == "Analysed although the input check refused"
    assert content.gate_checks[-1].endswith("The plate was cut on purpose.")
    (row,) = rows(Result.objects.get(pk=result.pk))
    assert "cut on purpose" in row["input_check_reasons"]


def test_each_label_of_a_mask_is_printed(stored):
    def make(job, folder):
        analysis = fake_analysis(job, folder)
        row = analysis["measures"]["operating"]
        labels = [{"label": name, "row": row} for name in ("anterior", "posterior")]
        analysis["maps"]["labels"] = {"anterior": "member-0.u8", "posterior": "member-0.u8"}
        return analysis | {"label_measures": labels}

    content = report_content(stored(make, "segmentation"), made_at=now())
    assert [line.name for line in content.labels] == ["anterior", "posterior"]
    assert content.labels[0].value.endswith(" %")
