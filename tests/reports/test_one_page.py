"""The PDF of one picture is one page, its signature line included."""

import io

import pytest
from pypdf import PdfReader

from reports.content import Line
from reports.making import pdf_of
from tests.accounts.factories import UserFactory
from tests.browser.story import drawn_result
from tests.imaging.volumes import NIFTI, volume_result

pytestmark = pytest.mark.django_db


def test_a_warning_and_a_long_name_leave_the_signature_on_the_page(tmp_path, monkeypatch):
    words = "Not assessed: how like the training pictures this image is, since " + "a-model, " * 12
    monkeypatch.setattr("reports.gather.gate_words", lambda result: (words, ()))
    result = drawn_result(UserFactory(), tmp_path)
    result.severity_reason = "High, because the area, 25.68 % of the foreground, is above 12.50 %."
    result.image.study.description = "thorax in two planes, " * 4
    pages = PdfReader(io.BytesIO(pdf_of(result))).pages
    assert "Name, date and signature" in pages[0].extract_text()
    assert len(pages) == 1


def pages_of(result):
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf_of(result))).pages]


def test_a_heading_never_stands_alone_at_the_foot_of_a_page(tmp_path, monkeypatch):
    # so many words that "Models" is the last line for which the first page has room
    monkeypatch.setattr("reports.gather.gate_words", lambda result: ("word " * 18 * 15, ()))
    pages = pages_of(volume_result(UserFactory(), tmp_path, modality="mri"))
    (heading,) = (n for n, text in enumerate(pages) if "\nModels" in f"\n{text}")
    (table,) = (n for n, text in enumerate(pages) if "Version" in text)
    assert heading == table


def test_a_high_volume_with_two_labels_is_one_page(tmp_path, monkeypatch):
    labels = [Line(f"{end} hippocampus", "1.62 %", "694 voxels, 0.89 ml") for end in "ab"]
    monkeypatch.setattr("reports.gather.label_lines", lambda result: labels)
    result = volume_result(
        UserFactory(), tmp_path, modality="mri", affine=NIFTI, shape=(36, 50, 36), warnings=["Odd."]
    )
    (page,) = pages_of(result)
    assert "a hippocampus" in page
    assert "Name, date and signature" in page
    assert "MRI, 36 × 50 × 36 voxels" in page
