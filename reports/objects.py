"""Results as SEG and SR in their studies, for DICOMweb: made by the worker, unasked."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.timezone import now

from accounts.vault.cipher import VaultError
from accounts.vault.staging import StagedBlob
from accounts.vault.storage import blob_keep
from imaging import queue
from imaging.engine.client import EngineError
from imaging.models import Instance, Result, ResultObjects, Review, Series
from imaging.services.instances import value_of
from imaging.services.leases import WorkerStopping
from imaging.services.tries import was_last_try
from imaging.services.workers import is_stopping
from imaging.types import Refused
from reports.dicom import Made, NotAsDicom, composed

logger = logging.getLogger(__name__)
MAKE = "reports.tasks.make_objects"
AT_ONCE = 20  # results in one turn of the worker
LOOKED, LOOK_S = "reports.objects.looked", 3600
PIECE_BYTES = 1 << 20
REPLACED = "replaced"  # an earlier version of the same result's
NATIVE = "1.2.840.10008.1.2.1"
LAYOUT = {"syntax": NATIVE, "frames": 0, "offset": None, "pieces": None, "samples": 1,
          "photometric": ""}  # fmt: skip
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")


def results_waiting() -> QuerySet[Result]:
    """Return results of images that DICOMweb hands out, without objects of their standing version.

    `standing` is the latest signed version of the verdict, 0 where none is signed: drafts stay.
    """
    told = Instance.objects.filter(source=OuterRef("image__source"), problem="")
    made = ResultObjects.objects.filter(result=OuterRef("pk"), version=OuterRef("standing"))
    signed = Review.objects.filter(result=OuterRef("pk"), signed_at__isnull=False)
    latest = Subquery(signed.order_by("-number").values("number")[:1])
    rows = Result.objects.filter(
        Exists(told), image__study__deleted_at=None, job__run__cohort=None
    ).annotate(standing=Coalesce(latest, 0))
    return rows.filter(~Exists(made)).order_by("created_at", "pk")


def objects_recover() -> int:
    """Ring for results that wait for their objects: the new, and those of before."""
    if queue.waiting(MAKE) or not _is_any_waiting():
        return 0
    with transaction.atomic():
        queue.enqueue(MAKE, "all")
    return 1


def _is_any_waiting() -> bool:
    """Ask each minute about what is new, and about all results once an hour or while some wait."""
    waiting = results_waiting()
    if cache.add(LOOKED, True, LOOK_S):
        found = waiting.exists()
        if found:
            cache.delete(LOOKED)  # the next minute looks through all of them again
        return found
    since = now() - timedelta(seconds=2 * LOOK_S)
    signed = Review.objects.filter(signed_at__gt=since).values("result")
    return waiting.filter(created_at__gt=since).exists() or waiting.filter(pk__in=signed).exists()


def objects_make() -> int:
    """Make the objects of some waiting results; return how many. Raises: WorkerStopping."""
    needed = ("image__source", "image__study", "image__series", "image__pixels", "job__run")
    waiting = list(results_waiting().select_related(*needed, "organisation", "patient")[:AT_ONCE])
    for result in waiting:
        if is_stopping():
            raise WorkerStopping
        _make(result)
    return len(waiting)


def _make(result: Result) -> None:
    try:
        with composed(result, result.standing) as made:
            _keep(result, made)
    except (NotAsDicom, Refused) as error:
        _give_up(result, error)
    except (EngineError, VaultError) as error:  # it may pass: memory, a key service
        if was_last_try("objects", f"{result.pk}.{result.standing}"):
            _give_up(result, error)


def _give_up(result: Result, error: Exception) -> None:
    """Keep that this version has no objects, and why."""
    problem = getattr(error, "code", type(error).__name__)[:64]
    logger.info("result %s: no objects: %s", result.pk, problem)
    ResultObjects.objects.get_or_create(
        result=result, version=result.standing, defaults=_of(result) | {"problem": problem}
    )


def _keep(result: Result, made: Sequence[Made]) -> None:
    """Encrypt the files, then write their rows; what was made of an earlier version gives way."""
    headers = [_header(one.header, result) for one in made]
    staged = [_staged(one.path, result) for one in made]
    try:
        with transaction.atomic():
            objects, is_new = ResultObjects.objects.get_or_create(
                result=result, version=result.standing, defaults=_of(result)
            )
            if not is_new:  # another worker was faster
                return
            earlier = Instance.objects.filter(made_of__result=result, problem="")
            earlier.update(problem=REPLACED)
            for header, file in zip(headers, staged, strict=True):
                _row(result, objects, header, file).save(force_insert=True)
    finally:
        for file in staged:
            file.discard()  # nothing, once it was published


def _row(
    result: Result, objects: ResultObjects, header: dict[str, Any], file: StagedBlob
) -> Instance:
    study = result.image.study
    series = Series.objects.get_or_create(
        study=study,
        series_instance_uid=value_of(header, "0020000E"),
        defaults=_of(result) | {"description": str(value_of(header, "0008103E") or "")[:64]},
    )[0]
    return Instance(
        **_of(result),
        study=study,
        series=series,
        made_of=objects,
        blob=blob_keep(file),
        sop_instance_uid=value_of(header, "00080018"),
        sop_class_uid=str(value_of(header, "00080016") or "")[:64],
        modality=str(value_of(header, "00080060") or "")[:16],
        number=value_of(header, "00200013"),
        attributes=json.dumps(header),
        layout=LAYOUT,
    )


def _header(path: Path, result: Result) -> dict[str, Any]:
    """Return what the child wrote of an object, if it is of this study: nobody believes it.

    Raises: Refused.
    """
    try:
        header = json.loads(path.read_text("ascii"))
        uids = [str(value_of(header, tag) or "") for tag in ("0020000D", "0020000E", "00080018")]
        number = value_of(header, "00200013")
        sound = all(len(uid) <= 64 and _UID.fullmatch(uid) for uid in uids)
        sound = sound and uids[0] == result.image.study.study_instance_uid
        sound = sound and (number is None or (type(number) is int and abs(number) < 2**31))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        sound = False
    if not sound:
        raise Refused("objects-unsound", "The objects of this result do not name its study.")
    return header


def _staged(path: Path, result: Result) -> StagedBlob:
    staged = StagedBlob(
        organisation=result.organisation, kind="dicom", patient_id=result.patient_id
    )
    with staged, path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            staged.write(piece)
    return staged


def _of(result: Result) -> dict[str, Any]:
    return {"organisation": result.organisation, "patient": result.patient}
