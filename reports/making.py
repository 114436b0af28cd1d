"""The bytes of each kind of export, result by result."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator

from django.conf import settings
from django.utils.timezone import now

from accounts.vault.cipher import VaultError
from accounts.vault.storage import blob_open
from imaging.mask_files import mask_file
from imaging.models import Result
from imaging.services.reviews import latest_review
from imaging.types import Refused
from reports.csv import csv_lines
from reports.dicom import NotAsDicom, dicom_zip
from reports.gather import report_content
from reports.models import ZIPS, Export, ExportItem, ExportKind, ItemState
from reports.parts import item_done, item_skip, items_done, part_keep
from reports.pdf import PdfError, render_pdf
from reports.pictures import result_pictures
from reports.table import Cell, table_rows
from reports.xlsx import xlsx_chunks
from reports.zips import unzipped, zip_chunks

logger = logging.getLogger(__name__)
AT_ONCE = 20
NEEDED = ("job__run__requested_by", "image__source", "image__study", "image__pixels", "patient")
WHOLE = tuple(f"result__{name}" for name in NEEDED)
LAID_OUT = "Its report could not be laid out."
DAMAGED = "It could not be made: its stored data are damaged."

NO_MASK = "It has no mask: it is of classes or boxes, or was not analysed."

TURN_S = 120.0  # then others have their turn: one batch of hundreds never holds a worker for long

LEFT_OUT = (PdfError, VaultError, NotAsDicom, Refused)

Maker = Callable[[ExportItem], tuple[str, bytes]]  # a file's ending and its content
Rows = Iterable[tuple[Cell, ...]]


def parts_make(export: Export, keep: Callable[[], None], clock=time.monotonic) -> bool:
    """Make the files of a ZIP that are still missing; False when the turn ended before the last.

    Raises: LeaseLost, and what `keep` raises.
    """
    ends = clock() + TURN_S
    make = MAKERS[ExportKind(export.kind)]
    for item in _waiting(export):
        keep()
        if clock() > ends:
            return False
        if make is _mask_file and not item.result.is_measured:
            item_skip(item, NO_MASK)
            continue
        try:
            ending, content = make(item)
        except LEFT_OUT as error:
            logger.warning("export %s: result %s left out: %s", export.pk, item.result_id, error)
            item_skip(item, _why_left_out(error))
            continue
        part_keep(export, item, ending=ending, content=content)
    return True


def export_chunks(export: Export) -> Iterator[bytes]:
    """Yield the file that `export` asks for; of a ZIP the parts are there already."""
    if export.kind in TABLES:
        asked = export.items.filter(version__isnull=False).values_list("result", "version")
        rows = table_rows(_results(export), notice=settings.RESEARCH_NOTICE, versions=dict(asked))
        yield from TABLES[ExportKind(export.kind)](rows)
        items_done(export)
    elif export.kind == ExportKind.PDF:
        item = next(_waiting(export))
        yield _pdf_file(item)[1]
        item_done(item)
    else:
        yield from zip_chunks(_members(export))


def _xlsx(rows: Rows) -> Iterator[bytes]:
    return xlsx_chunks(rows, notice=settings.RESEARCH_NOTICE, made_at=now())


def pdf_of(result: Result, version: int | None = None) -> bytes:
    """Return the report on `result`, of an earlier version of its verdict where one is named."""
    content = report_content(result, made_at=now(), version=version)
    return render_pdf(content, result_pictures(result, version))


def _pdf_file(item: ExportItem) -> tuple[str, bytes]:
    """Print the version that was asked for, else the one that counts; the item keeps which."""
    return "pdf", pdf_of(item.result, _version(item))


def _version(item: ExportItem) -> int:
    """Settle which version of the verdict the file says: that asked for, else what counts now."""
    if item.version is None:
        latest = latest_review(item.result)
        item.version = latest.number if latest else 0
    return item.version


def _mask_file(item: ExportItem) -> tuple[str, bytes]:
    return mask_file(item.result, version=item.version)


def _dicom_file(item: ExportItem) -> tuple[str, bytes]:
    version = _version(item)
    return "zip", dicom_zip(item.result, version, pdf_of(item.result, version))


TABLES: dict[ExportKind, Callable[[Rows], Iterator[bytes]]] = {
    ExportKind.CSV: csv_lines,
    ExportKind.XLSX: _xlsx,
}
MAKERS: dict[ExportKind, Maker] = {
    ExportKind.PDFS: _pdf_file,
    ExportKind.MASKS: _mask_file,
    ExportKind.DICOM: _dicom_file,
    ExportKind.DICOMS: _dicom_file,
}


def _why_left_out(error: Exception) -> str:
    """Return the sentence that the owner of the file reads."""
    if isinstance(error, VaultError):
        return DAMAGED
    return LAID_OUT if isinstance(error, PdfError) else str(error)


def _members(export: Export) -> Iterator[tuple[str, int, Iterator[bytes]]]:
    """Yield what the ZIP holds, in the order of the selection, read as it is written."""
    kept = export.items.exclude(part=None).select_related("part").order_by("position")
    for item in kept.iterator(chunk_size=AT_ONCE):
        name, content = f"{item.position:04d}-{str(item.result_id)[:8]}", blob_open(item.part)
        if item.ending == "zip":  # the objects of one result, each a file
            whole = content.read_range(0, item.part.size)
            folder = "" if export.kind == ExportKind.DICOM else f"{name}/"
            yield from unzipped(whole, folder)
        else:
            yield f"{name}.{item.ending}", item.part.size, content.chunks(0, item.part.size)


def _waiting(export: Export) -> Iterator[ExportItem]:
    """Yield the items without a file a few at a time: thousands are never held whole."""
    states = [ItemState.WAITING] if export.kind in ZIPS else list(ItemState)
    waiting = list(export.items.filter(state__in=states).values_list("pk", flat=True))
    for start in range(0, len(waiting), AT_ONCE):
        part = waiting[start : start + AT_ONCE]
        yield from export.items.filter(pk__in=part).select_related(*WHOLE).order_by("position")


def _results(export: Export) -> Iterator[Result]:
    """Yield the results in the order of the selection, a few at a time."""
    wanted = list(export.items.values_list("result", flat=True))
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start : start + AT_ONCE]
        found = Result.objects.select_related(*NEEDED).in_bulk(part)
        for pk in part:
            yield found[pk]
