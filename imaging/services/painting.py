"""A mask of the reader's own, painted or left over of the result's, measured by the engine."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from accounts.tracing import request_id
from accounts.vault.storage import blob_write
from imaging import queue
from imaging.engine.client import EngineDied, EngineTimeout, decode_engine, infer_engine
from imaging.engine.scratch import scratch_folder
from imaging.models import Result, Review
from imaging.services.analysis import blob_out, image_volume
from imaging.services.doorbells import STALE
from imaging.services.results import pieces
from imaging.services.reviews import MEASURE
from imaging.types import InferenceError, Refused

TRIES = 3
ROOM_FACTOR = 4
READ_TIMEOUT_S = 120
RULE = ("rule", "version", "basis", "area", "circularity")
FAILED = "The edited mask could not be measured. Save it again, or decide without it."
UNMEASURED = Q(row__isnull=True, problem="") & (
    Q(mask__isnull=False) | Q(sent__isnull=False) | ~Q(removed=[])
)
OUTWORN = "The edited mask is too much for the memory or the time of this machine."


def review_measure(review_id: str) -> None:
    """Measure an edited mask, unless that is done. No transaction is open meanwhile."""
    waiting = Review.objects.filter(UNMEASURED, pk=review_id)
    if not waiting.update(tries=F("tries") + 1):
        return
    review = Review.objects.select_related(
        "mask", "sent", "result__image__pixels", "result__organisation"
    ).get(pk=review_id)
    try:
        _measure(review, waiting)
    except (InferenceError, Refused) as error:
        waiting.update(problem=str(error)[:300])
    except (EngineDied, EngineTimeout):
        waiting.filter(tries__gte=TRIES).update(problem=OUTWORN)
        raise


def reviews_recover() -> int:
    """Ring again for masks whose doorbell was lost; give up after the third death."""
    lost = UNMEASURED & Q(rung_at__lt=Now() - STALE)
    given_up = Review.objects.filter(lost, tries__gte=TRIES).update(problem=FAILED)
    pks = list(Review.objects.filter(lost).values_list("pk", flat=True))
    heard = queue.waiting(MEASURE) if pks else set()
    return given_up + sum(_ring(pk, lost) for pk in pks if str(pk) not in heard)


@transaction.atomic
def _ring(pk, lost: Q) -> int:
    ours = Review.objects.filter(lost, pk=pk).update(rung_at=Now())
    if ours:
        queue.enqueue(MEASURE, str(pk))
    return ours


def _measure(review: Review, waiting: QuerySet[Review]) -> None:
    with scratch_folder(room_bytes=review.result.image.pixels.size * ROOM_FACTOR) as folder:
        answer = _measured(review, folder)
        with transaction.atomic():
            words = {name: answer[name] for name in ("row", "lesions", "dice")}
            if "mask" in answer:
                words["mask"] = blob_write(
                    organisation=review.result.organisation,
                    chunks=pieces(folder / answer["mask"]),
                    kind="mask",
                    patient_id=review.patient_id,
                )
            if not waiting.update(**words):  # another worker was first: its mask is the one
                transaction.set_rollback(True)


def _measured(review: Review, folder: Path) -> dict:
    """Return row and lesions as the engine measures them, in `folder`, and the mask's file."""
    result, image, rule = review.result, review.result.image, review.result.severity_rule
    blob_out(image.pixels, folder / "pixels.raw")
    blob_out(result.maps.select_related("blob").get(name="ensemble").blob, folder / "map.raw")
    if review.removed:
        how = {
            "op": "measure_without",
            "threshold": result.threshold,
            "sizes": [facts["px"] for facts in result.lesions.values_list("facts", flat=True)],
            "removed": review.removed,
            "out_dir": str(folder),
        }
    elif review.sent_id:
        how = {"op": "measure_mask", "mask": str(folder / _mask_read(review, folder))}
    else:
        blob_out(review.mask, folder / "painted.raw")
        how = {"op": "measure_mask", "mask": str(folder / "painted.raw")}
    answer = infer_engine(memory_mb=settings.ENGINE_MEMORY_CAP_MB).call(
        timeout_s=settings.ENGINE_CALL_TIMEOUT_S,
        trace=request_id.get(),
        pixels=str(folder / "pixels.raw"),
        dtype=image.dtype,
        shape=list(image.shape),
        volume=image_volume(image),
        rule={name: rule[name] for name in RULE},
        map=str(folder / "map.raw"),
        level=result.level,
        organ_px=_organ_px(result),
        **how,
    )
    return answer | ({"mask": Path(how["mask"]).name} if review.sent_id else {})


def _mask_read(review: Review, folder: Path) -> str:
    """Return the file in `folder` that holds the mask which was sent. Raises: Refused."""
    image = review.result.image
    blob_out(review.sent, folder / "sent")
    with decode_engine() as engine:
        return engine.call(
            "read_mask",
            timeout_s=READ_TIMEOUT_S,
            trace=request_id.get(),
            path=str(folder / "sent"),
            name=review.sent_name,
            shape=list(image.shape),
            affine=image.facts.get("affine"),
            out_dir=str(folder),
        )["mask"]


def _organ_px(result: Result) -> int | None:
    """Return the organ's pixels where the area is counted of an organ: its mask is not kept."""
    row = result.operating
    return row["reference_px"] if row["denominator"] == "organ" else None
