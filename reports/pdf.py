"""render_pdf: the one seam to the library that makes PDFs."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from PIL import Image as Picture
from pypdf import PdfReader
from reportlab import rl_config
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus.tables import CellStyle
from xhtml2pdf import pisa
from xhtml2pdf.config.resources import ResourceAccessPolicy

from reports.content import Head, Pictures, ReportContent
from reports.letters import FILES, FONTS, has_bold, reads_leftwards, runs
from reports.qr import qr_png

SECONDS = 30
SIDE, FULL_SIDE = 190, 150  # of the square that holds a picture, on a full page a smaller one, pt
HEAD_TAKES = 34  # of the pictures' height, where an organisation prints its letterhead, pt
SMALLEST_SIDE = 92  # where that is not enough to fit the page, pt
LOGO = (150, 40)  # the box that a logo is fitted into, pt
LONGEST = 4_000  # letters of one text: a page has room for no more, and the record has them all
RTL, END = "\N{RIGHT-TO-LEFT ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
library_log = logging.getLogger("xhtml2pdf")
library_log.propagate = False  # its lines quote the report, and so a patient's name


# the library opens pages and cells in this one, and would name Helvetica, which no file embeds
pdfmetrics.registerFont(TTFont("Opening", str(FONTS / FILES[""])))
rl_config.canvas_basefontname = CellStyle.fontname = "Opening"


class PdfError(Exception):
    """The report could not be made as it should be; the text says what went wrong."""


def render_pdf(content: ReportContent, pictures: Pictures) -> bytes:
    """Return one report as PDF. Nothing is fetched; a resource that is missing is an error.

    Raises: PdfError.
    """
    made, pages = b"", 0
    for side, tight in _layouts(content):
        tried, count = _laid_out(content, pictures, side, tight=tight)
        if not made or count < pages:
            made, pages = tried, count
        if pages == 1:
            break
    return made


def _layouts(content: ReportContent) -> Iterator[tuple[int, bool]]:
    """Yield ever closer settings: the pictures' square in pt, and whether lines move together.

    What an organisation prints takes its room of the pictures; without it the first is the one.
    """
    side = FULL_SIDE if content.review or content.labels else SIDE
    yield (side - HEAD_TAKES if content.head else side), False
    if content.head:
        yield SMALLEST_SIDE, False
        yield SMALLEST_SIDE, True


def _laid_out(
    content: ReportContent, pictures: Pictures, side: int, *, tight: bool
) -> tuple[bytes, int]:
    """Return the PDF with pictures in squares of `side`, and its number of pages."""
    html = render_to_string(
        "reports/report.html",
        {
            "content": content,
            "tight": tight,
            "pictures": _data_urls(pictures) | {"width": _width(pictures, side)},
            "logo": _logo(content.head),
            "fonts": _fonts_for(content),
            "qr": _data_url("png", qr_png(content.address)) if content.address else "",
        },
    )
    sink, complaints = io.BytesIO(), _Complaints()
    policy = ResourceAccessPolicy.server(FONTS, allow_remote=False, max_render_seconds=SECONDS)
    library_log.addHandler(complaints)
    try:
        status = pisa.CreatePDF(html, dest=sink, path=str(FONTS / "x.html"), resource_policy=policy)
    except Exception as error:  # whatever the library stumbles over is one report's failure
        raise PdfError(type(error).__name__) from None  # its text may quote a name
    finally:
        library_log.removeHandler(complaints)
    if status.err or complaints.texts:
        raise PdfError("; ".join(complaints.texts) or f"{status.err} errors while rendering")
    return sink.getvalue(), len(PdfReader(sink).pages)


def by_script(text: str) -> SafeString:
    """Escape `text` and give each run of letters the class of the font that holds them.

    One that is longer than LONGEST is cut, and ends in "…".
    """
    text = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    marked = format_html_join(
        "",
        "{}",
        (
            (format_html('<span class="{}">{}</span>', _font_class(script, part), part),)
            if script
            else (part,)
            for script, part in runs(text)
        ),
    )
    # what begins in Arabic is set from the right as a whole, numbers and Latin words in it too
    return format_html("{}{}{}", RTL, marked, END) if reads_leftwards(text) else marked


def _font_class(script: str, part: str) -> str:
    """Return the class of the style sheet: one without a bold face where that lacks a letter."""
    return script if has_bold(script, part) else f"{script}-plain"


def _fonts_for(content: ReportContent) -> dict[str, bool]:
    scripts = {script for text in _texts(asdict(content)) for script, _part in runs(text)}
    return {"arab": "arab" in scripts, "cjk": "cjk" in scripts}


def _texts(value: Any) -> Iterator[str]:
    """Yield every text of a report, however deep it stands."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)


def _data_urls(pictures: Pictures) -> dict[str, str]:
    kinds = {"original": "jpeg", "mask": "png", "heat": "jpeg"}
    return {
        name: _data_url(kind, getattr(pictures, name))
        for name, kind in kinds.items()
        if getattr(pictures, name)
    } | {"caption": pictures.caption}


def _width(pictures: Pictures, side: int) -> int:
    """Return how wide the pictures are set: a high one goes into the square that a wide one has."""
    width, height = Picture.open(io.BytesIO(pictures.original)).size
    return round(side * min(1, width / height))


def _logo(head: Head | None) -> dict[str, Any]:
    """Return the logo and how large it is set; nothing where there is none."""
    if head is None or not head.logo:
        return {}
    width, height = Picture.open(io.BytesIO(head.logo)).size
    scale = min(LOGO[0] / width, LOGO[1] / height)
    return {
        "url": _data_url("png", head.logo),
        "width": round(width * scale, 1),
        "height": round(height * scale, 1),
    }


def _data_url(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


class _Complaints(logging.Handler):
    """A blocked or missing resource is only a log line in xhtml2pdf; here it fails the report."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        # where in the library, never its words: they quote the report, and so a patient
        self.texts.append(f"{record.levelname} at {record.module}:{record.lineno}")
