"""The PDF of one picture is one page, its signature line included."""

import io

import pytest
from pypdf import PdfReader

from reports.making import pdf_of
from tests.accounts.factories import UserFactory
from tests.browser.story import drawn_result

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
