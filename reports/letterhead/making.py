"""What the worker does for a letterhead: its logo is drawn anew, a specimen is laid out."""

from __future__ import annotations

import io
import logging

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.timezone import now
from PIL import Image as Picture

from accounts.tracing import request_id
from accounts.vault.storage import blob_write
from imaging.engine.client import decode_engine
from imaging.engine.scratch import scratch_folder
from imaging.samples import chest_phantom
from imaging.services.analysis import blob_out
from imaging.types import Refused
from reports.content import NONE, SEVERITY_WORDS, Head, Line, Pictures, ReportContent
from reports.letterhead.life import TRIES, letterhead_end
from reports.letterhead.words import head_of, logo_of
from reports.models import Letterhead, LetterheadState
from reports.pdf import PdfError, render_pdf

logger = logging.getLogger(__name__)
TIMEOUT_S = 60
ROOM = 32 << 20
SPECIMEN = "This is a specimen: nobody was examined."
LAID_OUT = "A report with this letterhead could not be laid out. Shorten its texts."


def letterhead_read(letterhead_id: str) -> None:
    """Make logo and specimen of a draft, unless that is done. Delivered twice, the second ends."""
    waiting = Letterhead.objects.filter(
        pk=letterhead_id, state=LetterheadState.READING, tries__lt=TRIES
    )
    if not waiting.update(tries=F("tries") + 1, rung_at=now()):
        return
    draft = Letterhead.objects.select_related("organisation", "sent", "logo").get(pk=letterhead_id)
    try:
        logo = _redrawn(draft) if draft.sent_id else logo_of(draft)
        specimen = render_pdf(_specimen(head_of(draft, logo)), Pictures(_phantom()))
    except Refused as refused:
        _refuse(draft, refused.sentence)
    except PdfError as error:
        logger.warning("letterhead %s: %s", draft.pk, error)
        _refuse(draft, LAID_OUT)
    else:
        _finish(draft, logo, specimen)


@transaction.atomic
def _finish(draft: Letterhead, logo: bytes, specimen: bytes) -> None:
    def kept(content: bytes):
        return blob_write(organisation=draft.organisation, chunks=[content], kind="letterhead")

    blobs = {"specimen": kept(specimen)} | ({"logo": kept(logo)} if draft.sent_id else {})
    if not letterhead_end(draft, **blobs):  # another worker was first: its files are the ones
        transaction.set_rollback(True)


@transaction.atomic
def _refuse(draft: Letterhead, problem: str) -> None:
    letterhead_end(draft, problem=problem)


def _redrawn(draft: Letterhead) -> bytes:
    """Return the logo as the decoding child draws it anew. Raises: Refused, EngineError."""
    with scratch_folder(room_bytes=ROOM) as folder, decode_engine() as engine:
        blob_out(draft.sent, folder / "sent")
        answer = engine.call(
            "redraw_logo", timeout_s=TIMEOUT_S, trace=request_id.get(),
            path=str(folder / "sent"), name=draft.sent_name, out_dir=str(folder),
        )  # fmt: skip
        return (folder / answer["logo"]).read_bytes()


def _specimen(head: Head) -> ReportContent:
    nobody = ("Patient", "Record number", "Born", "Study", "Accession", "Image")
    return ReportContent(
        title="specimen",
        result_id="specimen",
        patient=[Line(name, NONE) for name in nobody],
        severity=SEVERITY_WORDS["not assessed"],
        severity_reason=SPECIMEN,
        measures=[Line(name, NONE) for name in ("Affected area", "Circularity", "Regions")],
        members=[],
        agreement="",
        origin=[Line(name, NONE) for name in ("Labels", "Threshold", "Run", "Result")],
        notice=settings.RESEARCH_NOTICE,
        made_at=now(),
        head=head,
    )


def _phantom() -> bytes:
    sink = io.BytesIO()
    Picture.fromarray(chest_phantom(512)).save(sink, "JPEG", quality=88)
    return sink.getvalue()
