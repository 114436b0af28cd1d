"""The bytes of each kind of export, result by result."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from django.conf import settings
from django.utils.timezone import now

from accounts.vault.cipher import VaultError
from imaging.mask_files import mask_file
from imaging.models import Result
from reports.csv import csv_lines
from reports.gather import report_content
from reports.models import Export, ExportKind
from reports.pdf import PdfError, render_pdf
from reports.pictures import result_pictures
from reports.services import items_close
from reports.zips import zip_chunks

logger = logging.getLogger(__name__)
AT_ONCE = 20
LAID_OUT = "Its report could not be laid out."
DAMAGED = "It could not be made: its stored data are damaged."

NO_MASK = "It has no mask: it is of classes or boxes, or was not analysed."

Maker = Callable[[Result], tuple[str, bytes]]  # a file's ending and its content


def export_chunks(export: Export) -> Iterator[bytes]:
    """Yield the file that `export` asks for, and keep the books of its items."""
    if export.kind == ExportKind.CSV:
        yield from _csv(export)
    elif export.kind == ExportKind.PDF:
        ((position, result),) = _results(export)
        yield pdf_of(result)
        items_close(export, {position: ""})
    elif export.kind == ExportKind.PDFS:
        yield from zip_chunks(_members(export, lambda result: ("pdf", pdf_of(result))))
    else:
        yield from zip_chunks(_members(export, mask_file))


def pdf_of(result: Result) -> bytes:
    return render_pdf(report_content(result, made_at=now()), result_pictures(result))


def _csv(export: Export) -> Iterator[bytes]:
    positions = {}

    def results() -> Iterator[Result]:
        for position, result in _results(export):
            positions[position] = ""
            yield result

    yield from csv_lines(results(), notice=settings.RESEARCH_NOTICE)
    items_close(export, positions)


def _members(export: Export, make: Maker) -> Iterator[tuple[str, bytes]]:
    """Yield each result's file; one that cannot be made is left out, with its reason."""
    for position, result in _results(export):
        if make is mask_file and not result.is_measured:
            items_close(export, {position: NO_MASK})
            continue
        try:
            ending, content = make(result)
        except (PdfError, VaultError) as error:
            logger.warning("export %s: result %s left out: %s", export.pk, result.pk, error)
            items_close(export, {position: LAID_OUT if isinstance(error, PdfError) else DAMAGED})
            continue
        items_close(export, {position: ""})
        yield f"{position:04d}-{str(result.pk)[:8]}.{ending}", content


def _results(export: Export) -> Iterator[tuple[int, Result]]:
    """Yield (position, result) a few at a time: a selection of thousands is never held whole."""
    pairs = list(export.items.values_list("position", "result_id"))
    for start in range(0, len(pairs), AT_ONCE):
        part = pairs[start : start + AT_ONCE]
        found = Result.objects.select_related(
            "job__run__requested_by", "image__source", "image__study", "image__pixels", "patient"
        ).in_bulk([pk for _position, pk in part])
        for position, pk in part:
            yield position, found[pk]
