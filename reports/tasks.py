"""What the queue calls to make an export; it never raises into the queue."""

from __future__ import annotations

import logging

from accounts import audit
from accounts.tracing import traced
from accounts.vault.damage import damages_tell
from imaging.services.leases import LeaseLost, WorkerStopping
from imaging.services.refusals import NotPossible
from reports.cohort_files import cohort_chunks
from reports.letterhead.making import letterhead_read
from reports.making import export_chunks, parts_make
from reports.models import MANY, ZIPS
from reports.objects import objects_make
from reports.parts import parts_drop
from reports.pdf import PdfError
from reports.services import (
    export_claim,
    export_fail,
    export_fill,
    export_keeper,
    export_release,
)

logger = logging.getLogger(__name__)
NOTHING = "Nothing could be put into the file: below stands why, for each result."


@audit.as_worker
def make_export(export_id: str) -> None:
    """Make one export.

    State before: queued. State after: succeeded or failed, or queued again when
    the worker was told to stop or a batch had its turn. Delivered twice, the
    claim makes the second run a no-op; after a crash the parts that were made
    are kept, and only the rest is made.
    """
    export = export_claim(export_id)
    if export is None:
        logger.info("export %s: nothing to do", export_id)
        return
    with traced(export.request_id):
        _make(export)
    damages_tell()


@audit.as_worker
def read_letterhead(letterhead_id: str) -> None:
    """Draw a letterhead's logo and lay out its specimen.

    State before: reading. State after: ready or refused; after a crash it is rung for again.
    """
    try:
        letterhead_read(letterhead_id)
    except Exception:
        logger.exception("letterhead %s failed", letterhead_id)
    damages_tell()


@audit.as_worker
def make_objects(which: str) -> None:
    """Make SEG and SR of some results for DICOMweb.

    State before: results without theirs. State after: some have them, or why they have none.
    Delivered twice, the second writes nothing; what is left is rung for again within a minute.
    """
    try:
        objects_make()
    except WorkerStopping:
        logger.info("objects of results: given back")
    except Exception:  # rung for again within a minute
        logger.exception("objects of results: not made")
    damages_tell()


def _make(export) -> None:
    try:
        if export.kind in ZIPS and not parts_make(export, export_keeper(export)):
            export_release(export)
            return
        if export.kind in ZIPS and not export.items.exclude(part=None).exists():
            export_fail(export, error=NOTHING)
            return
        chunks = export_chunks if export.cohort_id is None else cohort_chunks
        export_fill(export, chunks(export), patient_id=_only_patient(export))
        parts_drop(export)
    except LeaseLost:
        logger.info("export %s: another worker's", export.pk)
    except WorkerStopping:
        logger.info("export %s: given back", export.pk)
        export_release(export)
    except NotPossible as refusal:
        export_fail(export, error=str(refusal))
    except PdfError as error:
        logger.warning("export %s: %s", export.pk, error)
        export_fail(export, error="The report could not be laid out. The log names the reason.")
    except Exception:
        logger.exception("export %s failed", export.pk)
        export_fail(export, error="The file could not be made. Try again, or ask an administrator.")


def _only_patient(export):
    """The patient whose key seals the file, when it is one person's."""
    if export.kind not in MANY:
        return None
    return export.items.values_list("result__patient", flat=True).first()
