"""render_pdf: the one seam to the library that makes PDFs."""

from __future__ import annotations

import base64
import io
import logging
import unicodedata
from pathlib import Path

from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from xhtml2pdf import pisa
from xhtml2pdf.config.resources import ResourceAccessPolicy

from reports.content import Pictures, ReportContent

FONTS = Path(__file__).parent / "fonts"
SECONDS = 30


class PdfError(Exception):
    """The report could not be made as it should be; the text says what went wrong."""


def render_pdf(content: ReportContent, pictures: Pictures) -> bytes:
    """Return one report as PDF. Nothing is fetched; a resource that is missing is an error.

    Raises: PdfError.
    """
    html = render_to_string(
        "reports/report.html",
        {"content": content, "pictures": _data_urls(pictures), "fonts": _fonts_for(content)},
    )
    sink, complaints = io.BytesIO(), _Complaints()
    policy = ResourceAccessPolicy.server(FONTS, allow_remote=False, max_render_seconds=SECONDS)
    logger = logging.getLogger("xhtml2pdf")
    logger.addHandler(complaints)
    try:
        status = pisa.CreatePDF(html, dest=sink, path=str(FONTS / "x.html"), resource_policy=policy)
    finally:
        logger.removeHandler(complaints)
    if status.err or complaints.texts:
        raise PdfError("; ".join(complaints.texts) or f"{status.err} errors while rendering")
    return sink.getvalue()


def by_script(text: str) -> SafeString:
    """Wrap runs of Arabic and of Chinese, Japanese or Korean letters in their font's class."""
    return format_html_join(
        "",
        "{}",
        (
            (format_html('<span class="{}">{}</span>', script, part) if script else part,)
            for script, part in runs(text)
        ),
    )


def runs(text: str) -> list[tuple[str, str]]:
    """Split `text` into (class, part): "" for what Noto Sans holds, "arab" and "cjk" else."""
    found: list[tuple[str, str]] = []
    for letter in text:
        script = _script(letter)
        if found and (found[-1][0] == script or (letter.isspace() and found[-1][0])):
            found[-1] = (found[-1][0], found[-1][1] + letter)
        else:
            found.append((script, letter))
    return found


def _script(letter: str) -> str:
    if ord(letter) < 0x600:
        return ""
    name = unicodedata.name(letter, "")
    if name.startswith("ARABIC"):
        return "arab"
    wide = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "FULLWIDTH", "IDEOGRAPHIC")
    return "cjk" if name.startswith(wide) else ""


def _fonts_for(content: ReportContent) -> dict[str, bool]:
    texts = [line.value for line in (*content.patient, *content.origin)]
    texts += [line.note for line in (*content.patient, *content.origin)]
    scripts = {script for text in texts for script, _part in runs(text)}
    return {"arab": "arab" in scripts, "cjk": "cjk" in scripts}


def _data_urls(pictures: Pictures) -> dict[str, str]:
    kinds = {"original": "jpeg", "mask": "png", "heat": "jpeg"}
    return {
        name: f"data:image/{kind};base64,{base64.b64encode(getattr(pictures, name)).decode()}"
        for name, kind in kinds.items()
    }


class _Complaints(logging.Handler):
    """A blocked or missing resource is only a log line in xhtml2pdf; here it fails the report."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage()[:200])
