"""What a file of a cohort holds: a table, or pictures and masks, under the cohort's own names."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence

from django.conf import settings
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts.csv_cells import MARK, csv_line, safe
from accounts.vault.cipher import VaultError
from accounts.vault.storage import blob_open
from imaging.display import default_window
from imaging.engine.client import Engine, EngineDied, EngineTimeout, decode_engine
from imaging.formats.nifti_volume import nifti_pieces
from imaging.formats.png import encode_png
from imaging.formats.window import windowed
from imaging.mask_files import model_mask_file
from imaging.models import CohortImage, Image
from imaging.planes import STORED, Plane, read_slice
from imaging.selectors_cohorts import cohort_images_open_to, cohort_results_of
from imaging.services.leases import LeaseLost
from imaging.services.refusals import NotPossible
from imaging.types import Refused
from reports.cohort_dicom import disguised, pieces_of
from reports.cohort_exports import ACTION
from reports.cohort_table import COHORT_COLUMNS, COHORT_HEAD, cohort_rows
from reports.csv import csv_lines
from reports.making import DAMAGED
from reports.models import Export, ExportKind
from reports.parts import export_held
from reports.services import export_keeper
from reports.xlsx import xlsx_chunks
from reports.zips import zip_chunks

logger = logging.getLogger(__name__)
Member = tuple[str, int, Iterable[bytes]]
A_CHILD = 25  # pictures: it takes seconds to start, and what one file did to it ends with it
NOTHING = "Nothing of this cohort can leave as DICOM."
LEFT_OUT = (Refused, VaultError, EngineDied, EngineTimeout)
DICOM_HEAD = ("study", "patient", "picture", "files", "left_out")


def cohort_chunks(export: Export) -> Iterator[bytes]:
    """Yield the file, of what is open to its user now; the export keeps which rows are in it.

    Raises NotPossible where the cohort is closed meanwhile.
    """
    rows = cohort_images_open_to(export.user, ACTION).filter(cohort=export.cohort_id)
    found = list(rows.order_by("position"))
    if not found:
        raise NotPossible(_("The cohort is closed, or nothing of it is free."))
    if not export_held(export).update(rows=[str(one.pk) for one in found]):
        raise LeaseLost
    if export.kind == ExportKind.COHORT_CSV:
        yield from csv_lines(cohort_rows(export.cohort, found), COHORT_HEAD)
    elif export.kind == ExportKind.COHORT_XLSX:
        yield from xlsx_chunks(
            cohort_rows(export.cohort, found), columns=COHORT_COLUMNS,
            notice=settings.RESEARCH_NOTICE, made_at=now(),
        )  # fmt: skip
    elif export.kind == ExportKind.COHORT_DICOM:
        yield from zip_chunks(_dicom_members(export, found))
    else:
        yield from zip_chunks(member for one in found for member in _members(one))


def _members(one: CohortImage) -> Iterator[Member]:
    """Yield a picture and the models' masks, in a folder with the name of its study."""
    name, image = f"{one.study_name}/{one.position:04d}", one.image
    if image.depth == 1:
        content = _png(image)
        yield f"{name}.png", len(content), [content]
    else:
        yield f"{name}.nii.gz", image.pixels.size, _nifti(image)
    for number, result in enumerate(cohort_results_of(one).order_by("created_at"), start=1):
        if result.is_measured:
            ending, content = model_mask_file(result)
            yield f"{name}-mask-{number}.{ending}", len(content), [content]


def _dicom_members(export: Export, rows: Sequence[CohortImage]) -> Iterator[Member]:
    """Yield the same as DICOM, as far as that can be, and a list of what became of each.

    Raises NotPossible where nothing could leave.
    """
    told, count = [], 0
    for one, making in _with_a_child(export, rows):
        reason, files = "", 0
        try:
            for member in making:
                yield member
                files += 1
        except LEFT_OUT as error:
            logger.warning("export %s: picture %s left out: %s", export.pk, one.pk, error)
            reason = DAMAGED if isinstance(error, VaultError) else str(error)
        told.append(csv_line([one.study_name, one.patient_name, one.position, files, safe(reason)]))
        count += files
    if not count:
        raise NotPossible(f"{NOTHING} {reason}")
    content = b"".join([MARK, csv_line(DICOM_HEAD), *told])
    yield "index.csv", len(content), [content]


def _with_a_child(
    export: Export, rows: Sequence[CohortImage]
) -> Iterator[tuple[CohortImage, Iterator[Member]]]:
    """Yield each picture with what makes its files; a child is replaced after A_CHILD pictures."""
    keep = export_keeper(export)
    for start in range(0, len(rows), A_CHILD):
        with decode_engine() as engine:
            for one in rows[start : start + A_CHILD]:
                yield one, _as_dicom(one, engine, keep)


def _as_dicom(one: CohortImage, engine: Engine, keep: Callable[[], None]) -> Iterator[Member]:
    """Yield the files of one picture; what cannot become DICOM as it is in the other ZIP."""
    is_dicom = one.image.source.format == "dicom"
    if not is_dicom and (one.image.depth > 1 or not cohort_results_of(one).exists()):
        yield from _members(one)
        return
    with disguised(one, engine, keep) as files:
        for path in files:
            name = f"{one.study_name}/{one.position:04d}/{path.name}"
            yield name, path.stat().st_size, pieces_of(path)


def _png(image: Image) -> bytes:
    """Return a picture under its first window, 8 bits of grey, drawn anew."""
    plane = Plane(STORED, (0, 1, 2), (False, False), image.shape, (1.0, 1.0))
    with blob_open(image.pixels) as content:
        stored = read_slice(content, image.shape, image.dtype, plane, 0)
    facts = image.facts
    grey = windowed(stored, facts.get("slope", 1), facts.get("intercept", 0), default_window(image))
    return encode_png(grey, level=3)


def _nifti(image: Image) -> Iterator[bytes]:
    """Yield a volume as NIfTI: its voxels, its spacing and place, and nothing else."""
    facts = image.facts
    with blob_open(image.pixels) as content:
        yield from nifti_pieces(
            content.chunks(0, content.size),
            image.shape,
            dtype=image.dtype,
            scale=(facts.get("slope", 1.0), facts.get("intercept", 0.0)),
            affine=facts.get("affine"),
            spacing=facts.get("spacing_mm"),
        )
