"""A report is made whatever letters stand in names: each in its font, or as a mark."""

import io
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from django.utils.timezone import make_aware
from PIL import Image

from imaging.formats.png import encode_png
from reports.content import Line, MemberLine, Pictures, ReportContent
from reports.letters import runs
from reports.pdf import PdfError, render_pdf


def jpeg() -> bytes:
    sink = io.BytesIO()
    Image.new("L", (8, 8)).save(sink, "JPEG")
    return sink.getvalue()


MASK = encode_png(np.eye(8, dtype=bool), level=1)
PICTURES = Pictures(original=jpeg(), mask=MASK, heat=jpeg())
PLAIN = ReportContent(
    title="Lungs",
    result_id="r",
    patient=[Line("Patient", "A. B.")],
    severity="Low",
    severity_reason="Low: small.",
    measures=[Line("Affected area", "1.00 %")],
    members=[MemberLine("unet", "1.0.0", "100 %", "cpu", "3 ms", "ab" * 8)],
    agreement="",
    origin=[Line("Labels", "lung fields")],
    notice="Research use only",
    made_at=make_aware(datetime(2026, 1, 1)),
)
ODD = ("שלום", "สวัสดี", "😀 scan", "a\x01\x02b", "a\x00b", "\ud800x", "\u202eexe", "محمد", "王小明",
       "\\" * 40, "W" * 1024, "<b>&amp;</b> {{ x }}")  # fmt: skip


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_no_text_keeps_a_report_from_being_made(text):
    everywhere = replace(
        PLAIN,
        title=text,
        patient=[Line("Patient", text, text)],
        severity_reason=text,
        origin=[Line("Labels", text, text)],
        agreement=text,
        warnings=[text],
    )
    assert render_pdf(everywhere, PICTURES).startswith(b"%PDF")


def test_a_letter_that_no_font_holds_becomes_a_mark():
    assert runs("a\N{HEBREW LETTER SHIN}b") == [("", "a\N{REPLACEMENT CHARACTER}b")]
    assert runs("a\x00\u202eb") == [("", "ab")]


def test_what_the_library_raises_is_a_report_that_could_not_be_made(monkeypatch):
    monkeypatch.setattr("reports.pdf.pisa.CreatePDF", lambda *_args, **_kwargs: 1 / 0)
    with pytest.raises(PdfError, match="ZeroDivisionError"):
        render_pdf(PLAIN, PICTURES)
