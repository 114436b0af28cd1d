"""Telling the originals that came as DICOM, so that DICOMweb can hand them out."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import QuerySet

from accounts.tracing import request_id
from accounts.vault.cipher import VaultError
from accounts.vault.staging import StagedBlob
from accounts.vault.storage import blob_keep
from imaging import queue
from imaging.engine.client import Engine, EngineError, decode_engine
from imaging.engine.scratch import scratch_folder
from imaging.models import ImageFile, Instance, SourceFile, Upload
from imaging.services.analysis import blob_out
from imaging.services.leases import LeaseLost, WorkerStopping
from imaging.services.tries import was_last_try

logger = logging.getLogger(__name__)
TELL, UNPACK = "imaging.tasks.tell_instances", "imaging.tasks.unpack_instance"
AT_ONCE = 50  # files that lie decrypted in memory together
FILE_S, LEAST_S = 1.0, 60
UNPACK_S = 120
ROOM_BYTES = 64 << 20
PIECE_BYTES = 1 << 20
NUMBERS = ("frames", "frame_bytes", "rows", "columns", "samples", "allocated", "stored", "high_bit")
UNTOLD, NO_UID, ELSEWHERE = "untold", "no-uid", "other-uids"
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")


def sources_untold() -> QuerySet[SourceFile]:
    """Return the originals that came as DICOM and are not told yet, of studies that are kept."""
    shown = SourceFile.objects.filter(
        format="dicom", instance=None, image_files__image__study__deleted_at=None
    )
    return shown.distinct()


def upload_told(upload: Upload, engine: Engine, keeper: Callable[[], None]) -> None:
    """Tell the originals of the images that `upload` brought."""
    images = upload.items.exclude(image=None).order_by().values("image")
    mine = sources_untold().filter(image_files__image__in=images, organisation=upload.organisation)
    try:
        instances_tell(mine, engine, keeper)
    except (LeaseLost, WorkerStopping, DatabaseError):
        raise
    except Exception:  # the images are there; the recovery tells them within a minute
        logger.exception("upload %s: originals not told", upload.pk)


def instances_recover() -> int:
    """Ring for originals that are not told: those of before, and what a death left."""
    if not sources_untold().exists() or queue.waiting(TELL):
        return 0
    with transaction.atomic():
        queue.enqueue(TELL, "all")
    return 1


def untold_tell() -> None:
    """Tell some originals that are not told; the next minute's recovery rings for the rest."""
    with decode_engine() as engine:
        instances_tell(sources_untold()[: 10 * AT_ONCE], engine, lambda: None)


def instances_tell(
    sources: QuerySet[SourceFile], engine: Engine, keeper: Callable[[], None]
) -> None:
    """Keep what the child reads of each; one that ends it again and again as not to be told."""
    waiting = list(sources.select_related("blob__organisation"))
    for start in range(0, len(waiting), AT_ONCE):
        some = waiting[start : start + AT_ONCE]
        try:
            _tell(some, engine, keeper)
        except (EngineError, VaultError) as error:
            logger.warning("%d originals not told: %s", len(some), type(error).__name__)
            if len(some) == 1:
                if was_last_try("tell", some[0].pk):  # until then the recovery asks again
                    _keep([(some[0], None)])
                continue
            for one in some:  # the one that ends the child must not keep the others untold
                instances_tell(SourceFile.objects.filter(pk=one.pk), engine, keeper)


def _tell(sources: Sequence[SourceFile], engine: Engine, keeper: Callable[[], None]) -> None:
    room = ROOM_BYTES + sum(one.size for one in sources)
    with scratch_folder(room_bytes=room) as folder:
        names = [f"{number}.dcm" for number in range(len(sources))]
        for one, name in zip(sources, names, strict=True):
            keeper()
            blob_out(one.blob, folder / name)
        answer = engine.call(
            "describe_instances",
            timeout_s=LEAST_S + FILE_S * len(sources),
            on_wait=keeper,
            trace=request_id.get(),
            files=names,
            out_dir=str(folder),
        )
        told = [_read(folder, name) for name in answer["told"]]
    _keep(list(zip(sources, told, strict=True)))


def _read(folder: Path, name: str) -> dict[str, Any] | None:
    """Return what the child wrote, if it is what it should be: nobody believes it."""
    if not name:
        return None
    try:
        told = json.loads((folder / name).read_text("ascii"))
        sound = isinstance(told["attributes"], dict) and _is_layout(told["layout"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return told if sound else None


def _is_layout(layout: Mapping[str, Any]) -> bool:
    """Whether it has all that is asked of it later, each of its kind, for each frame."""
    numbers = [layout[name] for name in NUMBERS]
    numbers += [layout["offset"] or 0]
    numbers += [place for frame in layout["pieces"] or () for piece in frame for place in piece]
    words = all(isinstance(layout[name], str) for name in ("syntax", "photometric"))
    counted = layout["pieces"] is None or len(layout["pieces"]) == layout["frames"]
    return words and counted and all(type(n) is int and 0 <= n < 2**40 for n in numbers)


@transaction.atomic
def _keep(told: Sequence[tuple[SourceFile, Mapping[str, Any] | None]]) -> None:
    """Write a row for each; twice, the second writes nothing."""
    places = ImageFile.objects.filter(source__in=[source for source, _ in told])
    places = places.select_related("image__study", "image__series").order_by("-image__created_at")
    first = {one.source_id: one for one in places}
    rows = [_row(source, first[source.pk], found) for source, found in told if source.pk in first]
    Instance.objects.bulk_create(rows, ignore_conflicts=True)


def _row(source: SourceFile, place: ImageFile, told: Mapping[str, Any] | None) -> Instance:
    image = place.image
    row = Instance(
        organisation_id=image.organisation_id,
        patient_id=image.patient_id,
        study=image.study,
        series=image.series,
        source=source,
    )
    if told is None:
        row.problem = UNTOLD
        return row
    attributes = told["attributes"]
    uids = [str(value_of(attributes, tag) or "") for tag in ("0020000D", "0020000E", "00080018")]
    if not all(len(uid) <= 64 and _UID.fullmatch(uid) for uid in uids):
        row.problem = NO_UID
        return row
    if uids[:2] != [image.study.study_instance_uid, image.series.series_instance_uid]:
        row.problem = ELSEWHERE
        return row
    row.sop_instance_uid = uids[2]
    row.sop_class_uid = str(value_of(attributes, "00080016") or "")[:64]
    row.modality = str(value_of(attributes, "00080060") or "")[:16]
    row.number = _number(value_of(attributes, "00200013"))
    row.attributes, row.layout = json.dumps(attributes), dict(told["layout"])
    return row


def value_of(attributes: Mapping[str, Any], tag: str) -> Any:
    """Return the first value of an element of DICOM JSON; None where there is none."""
    element = attributes.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None


def _number(value: Any) -> int | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and abs(value) < 2**31 else None


def frames_ask(instance: Instance) -> None:
    """Ring for the frames of a compressed instance to be unpacked."""
    with transaction.atomic():
        queue.enqueue(UNPACK, str(instance.pk))


def frames_unpack(instance_id: str) -> None:
    """Keep the frames of an instance unpacked; twice, the second finds them here.

    Raises: Refused for colours; what the engine raises.
    """
    found = Instance.objects.select_related("source__blob__organisation", "organisation")
    instance = found.filter(pk=instance_id, problem="", native=None).first()
    if instance is None:
        return
    layout = instance.layout
    size = layout["frames"] * layout["frame_bytes"]
    room = ROOM_BYTES + instance.source.size + size
    with scratch_folder(room_bytes=room) as folder, decode_engine() as engine:
        blob_out(instance.source.blob, folder / "source.dcm")
        answer = engine.call(
            "unpack_frames",
            timeout_s=UNPACK_S,
            path=str(folder / "source.dcm"),
            out_dir=str(folder),
            expected=size,
        )
        _frames_keep(instance, folder / answer["frames"])


def _frames_keep(instance: Instance, path: Path) -> None:
    staged = StagedBlob(
        organisation=instance.organisation, kind="frames", patient_id=instance.patient_id
    )
    with staged, path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            staged.write(piece)
    with transaction.atomic():
        held = Instance.objects.select_for_update().filter(pk=instance.pk, native=None).first()
        if held is None or held.patient_id != instance.patient_id:
            staged.discard()
            return
        held.native = blob_keep(staged)
        held.save(update_fields=["native"])
