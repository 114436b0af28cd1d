"""Reading an upload: each waiting file through a decoding child, to an image or a refusal."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.timezone import now

from accounts.tracing import request_id, traced
from imaging import queue
from imaging.engine.client import Engine, EngineDied, EngineTimeout, decode_engine
from imaging.engine.scratch import scratch_folder
from imaging.models import ItemStatus, Upload, UploadItem
from imaging.services.archives import archive_unpack, list_close
from imaging.services.batches import DIRECTORY, ROOM_BYTES, batch_read, item_survey
from imaging.services.doorbells import STALE
from imaging.services.filing import image_file
from imaging.services.instances import upload_told
from imaging.services.items import (
    image_known,
    item_close,
    item_copied,
    items_refuse,
    upload_held,
)
from imaging.services.joining import item_join
from imaging.services.leases import (
    MAX_DEATHS,
    LeaseKeeper,
    LeaseLost,
    WorkerStopping,
    lease_end,
)
from imaging.services.orders import order_fulfil
from imaging.services.rule_matches import rules_obey
from imaging.services.screening import ARCHIVE, PARTS
from imaging.types import Refused

Step = Callable[[list[UploadItem], Engine, LeaseKeeper], None]
logger = logging.getLogger(__name__)
INGEST = "imaging.tasks.ingest_upload"
DECODE_TIMEOUT_S = 60
SLICE_S = 300  # then other work gets a turn; far below the queue's own timeout
LIMITS = "The file could not be read within the limits of memory and time. Send a smaller image."
SERIES_LIMITS = (
    "The series of this file could not be read within the limits of memory and time."
    " Send it in parts."
)
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
        order_fulfil(upload.pk)
        rules_obey(upload.pk)


def uploads_recover() -> int:
    """Take up uploads whose worker or sender died, and ring lost doorbells; return how many."""
    unfinished = Upload.objects.filter(finished_at=None, open_until=None)
    dead = unfinished.filter(lease_until__lt=Now())
    count = sum(_bury(upload) for upload in dead.select_related("organisation", "user"))
    silent = Q(rung_at=None, created_at__lt=Now() - STALE) | Q(rung_at__lt=Now() - STALE)
    lost = list(unfinished.filter(silent, lease_until=None))
    heard = queue.waiting(INGEST) if lost else set()
    return count + sum(_ring(upload) for upload in lost if str(upload.pk) not in heard)


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
    taken = Upload.objects.filter(free, pk=upload_id, finished_at=None, open_until=None).update(
        attempt=F("attempt") + 1, lease_until=lease_end()
    )
    if not taken:
        return None
    return Upload.objects.select_related("organisation__plan", "user").get(pk=upload_id)


def _read_all(upload: Upload, engine: Engine) -> bool:
    """Read until nothing waits (True) or the slice of time is used up (False).

    Files that came in pieces are joined first, archives unpacked, since they bring files; then
    which files belong together; then these; lists of files last, when it is known what is here.
    """
    keeper = LeaseKeeper(lambda: upload_held(upload))
    ends = time.monotonic() + SLICE_S

    def do(items: list[UploadItem], step: Step) -> bool:
        """Do one step with some files; False when the time is over."""
        if time.monotonic() > ends:
            return False
        keeper()
        _attempt(items, step, engine, keeper)
        if not upload_held(upload).update(lease_until=lease_end(), deaths=0):
            raise LeaseLost
        return True

    if not all(do([item], _join) for item in _waiting(upload, kind=PARTS)):
        return False
    archives = _waiting(upload, kind=ARCHIVE)
    if not all(do([item], _unpack) for item in archives):
        return False
    unseen = _waiting(upload, kind="dicom", batch="")
    if not all(do([item], _survey) for item in unseen):
        return False
    batches: dict[str, list[UploadItem]] = {}
    for item in _waiting(upload):
        batches.setdefault(item.batch or str(item.pk), []).append(item)
    lists = batches.pop(DIRECTORY, [])
    if not all(do(items, _step_of(items[0])) for items in batches.values()):
        return False
    if not all(do([item], _end_list) for item in lists):
        return False
    upload_told(upload, engine, keeper)
    return True


def _waiting(upload: Upload, **fields) -> list[UploadItem]:
    items = list(upload.items.filter(status=ItemStatus.WAITING, **fields).select_related("blob"))
    for item in items:
        item.upload, item.organisation = upload, upload.organisation
        if item.blob is not None:
            item.blob.organisation = upload.organisation
    return items


def _attempt(items: list[UploadItem], step: Step, engine: Engine, keeper: LeaseKeeper) -> None:
    """Take one step; what it cannot do with the files is said on their receipts."""
    try:
        step(items, engine, keeper)
        return
    except Refused as error:
        refusal = error
    except (EngineDied, EngineTimeout) as error:
        logger.warning("upload item %s: %s", items[0].pk, type(error).__name__)
        refusal = Refused("over-limits", LIMITS if len(items) == 1 else SERIES_LIMITS)
    except (LeaseLost, WorkerStopping, DatabaseError):
        raise
    except Exception:
        logger.exception("upload item %s failed", items[0].pk)
        refusal = Refused("unexpected", UNEXPECTED)
    items_refuse([item for item in items if item.status == ItemStatus.WAITING], refusal)


def _join(items: list[UploadItem], engine: Engine, keeper: LeaseKeeper) -> None:
    item_join(items[0], keeper)


def _unpack(items: list[UploadItem], engine: Engine, keeper: LeaseKeeper) -> None:
    archive_unpack(items[0], engine, keeper)


def _survey(items: list[UploadItem], engine: Engine, keeper: LeaseKeeper) -> None:
    item_survey(items[0], engine, keeper)


def _end_list(items: list[UploadItem], engine: Engine, keeper: LeaseKeeper) -> None:
    list_close(items[0], item_survey(items[0], engine, keeper) or [])


def _step_of(item: UploadItem) -> Step:
    return batch_read if item.kind == "dicom" else _read


def _read(items: list[UploadItem], engine: Engine, keeper: LeaseKeeper) -> None:
    """Bring one file to its end; nothing is left of a refused one but the receipt."""
    (item,) = items
    known = image_known(item.upload, item.blob.sha256)
    if known is not None:
        item_close(item, ItemStatus.DUPLICATE, image=known)
        return
    with scratch_folder(room_bytes=ROOM_BYTES + item.size) as folder:
        decoded = _decoded(item, engine, keeper, folder)
        image_file(item, decoded, folder, held=lambda: upload_held(item.upload))


def _decoded(item: UploadItem, engine: Engine, keeper: LeaseKeeper, folder: Path) -> dict:
    answer = engine.call(
        "decode",
        timeout_s=DECODE_TIMEOUT_S,
        on_wait=keeper,
        trace=request_id.get(),
        path=str(item_copied(item, folder / "source")),
        name=item.name,
        first_volume=item.upload.first_volume,
        out_dir=str(folder),
    )
    return answer["image"]


@transaction.atomic
def _finish(upload: Upload) -> None:
    if upload.items.filter(status=ItemStatus.WAITING).exists():
        _give_back(upload)  # files that came while we read
    else:
        upload_held(upload).update(finished_at=now(), lease_until=None)


@transaction.atomic
def _give_back(upload: Upload) -> None:
    if upload_held(upload).update(lease_until=None):
        _ring(upload)


@transaction.atomic
def _bury(upload: Upload) -> int:
    """Count one death; after the third the file that was being read is refused."""
    buried = upload_held(upload).filter(lease_until__lt=Now())
    if not buried.update(lease_until=None, deaths=F("deaths") + 1):
        return 0
    if upload.deaths + 1 >= MAX_DEATHS:
        waiting = _waiting(upload)
        items_refuse(_read_with(waiting), Refused("over-limits", LIMITS))
        Upload.objects.filter(pk=upload.pk).update(deaths=0)
    return _ring(upload)


def _read_with(waiting: list[UploadItem]) -> list[UploadItem]:
    """The files that were being read, or were next, in the order of `_read_all`."""
    parts = [item for item in waiting if item.kind == PARTS]
    archives = [item for item in waiting if item.kind == ARCHIVE]
    unseen = [item for item in waiting if item.kind == "dicom" and not item.batch]
    for first in (parts, archives, unseen):
        if first:
            return first[:1]
    batch = waiting[0].batch if waiting else ""
    return [item for item in waiting if item.batch == batch] if batch else waiting[:1]


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
