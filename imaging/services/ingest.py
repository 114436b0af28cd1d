"""Reading an upload: each waiting file through a decoding child, to an image or a refusal."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from django.db import DatabaseError, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils.timezone import now

from accounts import audit
from accounts.tracing import request_id, traced
from accounts.vault.storage import blob_delete, blob_open
from imaging import queue
from imaging.engine.client import Engine, EngineDied, EngineTimeout, decode_engine
from imaging.engine.scratch import scratch_folder
from imaging.formats.sniffing import named
from imaging.models import Image, ItemStatus, Upload, UploadItem
from imaging.services.doorbells import STALE
from imaging.services.filing import image_file
from imaging.services.leases import (
    MAX_DEATHS,
    LeaseKeeper,
    LeaseLost,
    WorkerStopping,
    lease_end,
)
from imaging.types import Refused

logger = logging.getLogger(__name__)
INGEST = "imaging.tasks.ingest_upload"
DECODE_TIMEOUT_S = 60
SLICE_S = 300  # then other work gets a turn; far below the queue's own timeout
ROOM_BYTES = 1088 << 20  # the largest volume, and a little
LIMITS = "The file could not be read within the limits of memory and time. Send a smaller image."
UNEXPECTED = "The file could not be taken in, through no fault of yours. Send it again later."


def upload_ingest(upload_id: str) -> None:
    """Read the waiting files of an upload, one after another; each ends accepted or refused.

    Twice at the same time, the second finds the lease taken; after a kill, what
    still waits is read again and nothing is stored twice.
    """
    upload = _claim(upload_id)
    if upload is None:
        logger.info("upload %s: nothing to do", upload_id)
        return
    with traced(upload.request_id):
        _ingest(upload)


def uploads_recover() -> int:
    """Take up uploads whose worker or sender died, and ring lost doorbells; return how many."""
    unfinished = Upload.objects.filter(finished_at=None)
    dead = unfinished.filter(lease_until__lt=Now())
    count = sum(_bury(upload) for upload in dead.select_related("organisation", "user"))
    silent = Q(rung_at=None, created_at__lt=Now() - STALE) | Q(rung_at__lt=Now() - STALE)
    lost = list(unfinished.filter(silent, lease_until=None))
    heard = queue.waiting(INGEST) if lost else set()
    return count + sum(_ring(upload) for upload in lost if str(upload.pk) not in heard)


def image_known(upload: Upload, sha256: str) -> Image | None:
    """Return the organisation's image of a file with these bytes.

    A PNG or NIfTI sent as another kind of picture is another image.
    """
    same = Image.objects.filter(organisation=upload.organisation, source__sha256=sha256)
    return same.filter(Q(source__format="dicom") | Q(modality=upload.modality)).first()


def _ingest(upload: Upload) -> None:
    try:
        with decode_engine() as engine:
            finished = _read_all(upload, engine)
    except LeaseLost:
        logger.info("upload %s: another worker's", upload.pk)
    except WorkerStopping:
        _give_back(upload)
    else:
        _finish(upload) if finished else _give_back(upload)


def _claim(upload_id: str) -> Upload | None:
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    taken = Upload.objects.filter(free, pk=upload_id, finished_at=None).update(
        attempt=F("attempt") + 1, lease_until=lease_end()
    )
    if not taken:
        return None
    return Upload.objects.select_related("organisation__plan", "user").get(pk=upload_id)


def _held(upload: Upload) -> QuerySet[Upload]:
    return Upload.objects.filter(pk=upload.pk, attempt=upload.attempt, finished_at=None)


def _read_all(upload: Upload, engine: Engine) -> bool:
    """Read until nothing waits (True) or the slice of time is used up (False)."""
    keeper = LeaseKeeper(lambda: _held(upload))
    ends = time.monotonic() + SLICE_S
    for item in upload.items.filter(status=ItemStatus.WAITING).select_related("blob"):
        if time.monotonic() > ends:
            return False
        item.upload, item.organisation = upload, upload.organisation
        keeper()
        _read(item, engine, keeper)
        if not _held(upload).update(lease_until=lease_end(), deaths=0):
            raise LeaseLost
    return True


def _read(item: UploadItem, engine: Engine, keeper: LeaseKeeper) -> None:
    """Bring one file to its end; nothing is left of a refused one but the receipt."""
    known = image_known(item.upload, item.blob.sha256)
    if known is not None:
        _close(item, ItemStatus.DUPLICATE, image=known)
        return
    try:
        with scratch_folder(room_bytes=ROOM_BYTES + item.size) as folder:
            decoded = _decoded(item, engine, keeper, folder)
            image_file(item, decoded, folder, held=lambda: _held(item.upload))
    except Refused as refusal:
        _refuse(item, refusal.code, named(refusal, item.name).sentence)
    except (EngineDied, EngineTimeout) as error:
        logger.warning("upload item %s: %s", item.pk, type(error).__name__)
        _refuse(item, "over-limits", LIMITS)
    except (LeaseLost, WorkerStopping, DatabaseError):
        raise
    except Exception:
        logger.exception("upload item %s failed", item.pk)
        _refuse(item, "unexpected", UNEXPECTED)


def _decoded(item: UploadItem, engine: Engine, keeper: LeaseKeeper, folder: Path) -> dict:
    path = folder / "source"
    with blob_open(item.blob) as reader, path.open("wb") as file:
        for piece in reader.chunks():
            file.write(piece)
    answer = engine.call(
        "decode",
        timeout_s=DECODE_TIMEOUT_S,
        on_wait=keeper,
        trace=request_id.get(),
        path=str(path),
        name=item.name,
        out_dir=str(folder),
    )
    return answer["image"]


@transaction.atomic
def _refuse(item: UploadItem, code: str, sentence: str) -> None:
    item.reason = sentence
    _close(item, ItemStatus.REFUSED, code=code[:64])
    item.save(update_fields=["reason"])
    audit.record(item.upload.user, "upload.refuse", item, outcome="refused", reason=code)


@transaction.atomic
def _close(item: UploadItem, status: ItemStatus, **fields) -> None:
    """End a waiting item without an image of its own; its blob goes."""
    waiting = UploadItem.objects.filter(
        pk=item.pk, status=ItemStatus.WAITING, upload__in=_held(item.upload)
    )
    if not waiting.update(status=status, blob=None, **fields):
        raise LeaseLost
    blob_delete(item.blob)
    item.status, item.blob = status, None


@transaction.atomic
def _finish(upload: Upload) -> None:
    if upload.items.filter(status=ItemStatus.WAITING).exists():
        _give_back(upload)  # files that came while we read
    else:
        _held(upload).update(finished_at=now(), lease_until=None)


@transaction.atomic
def _give_back(upload: Upload) -> None:
    if _held(upload).update(lease_until=None):
        _ring(upload)


@transaction.atomic
def _bury(upload: Upload) -> int:
    """Count one death; after the third the file that was being read is refused."""
    buried = _held(upload).filter(lease_until__lt=Now())
    if not buried.update(lease_until=None, deaths=F("deaths") + 1):
        return 0
    if upload.deaths + 1 >= MAX_DEATHS:
        item = upload.items.filter(status=ItemStatus.WAITING).select_related("blob").first()
        if item is not None:
            item.upload = upload
            _refuse(item, "over-limits", LIMITS)
        Upload.objects.filter(pk=upload.pk).update(deaths=0)
    return _ring(upload)


@transaction.atomic
def _ring(upload: Upload) -> int:
    """Tell the queue, or close an upload in which nothing waits."""
    unfinished = Upload.objects.filter(pk=upload.pk, finished_at=None, lease_until=None)
    if not upload.items.filter(status=ItemStatus.WAITING).exists():
        return unfinished.update(finished_at=now())
    rung = unfinished.update(rung_at=Now())
    if rung:
        queue.enqueue(INGEST, str(upload.pk))
    return rung
