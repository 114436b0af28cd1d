"""One claimed job through the engine: pixels out of the vault, answer into the database."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.vault.storage import blob_open
from imaging.engine.client import infer_engine
from imaging.engine.scratch import scratch_folder
from imaging.models import Image, Job
from imaging.services.jobs import job_held, job_progress, job_renew, job_succeed
from imaging.services.leases import LeaseKeeper, LeaseLost

PROGRESS_S = 0.5
ROOM_FACTOR = 12  # maps of eight members beside pixels of two bytes
DICOM_OF = {"xray": "DX", "mri": "MR", "ct": "CT"}


def job_analyse(job: Job) -> None:
    """Run the engine on a claimed job and store its result. No transaction is open meanwhile.

    Raises: InferenceError in words for the user; EngineDied, EngineTimeout,
    EngineFailed; LeaseLost when the job was cancelled or given to another
    worker; WorkerStopping.
    """
    image = job.image
    with scratch_folder(room_bytes=image.pixels.size * ROOM_FACTOR) as folder:
        _pixels_out(image, folder / "pixels.raw")
        keeper = LeaseKeeper(lambda: job_held(job))
        answer = infer_engine(memory_mb=settings.ENGINE_MEMORY_CAP_MB).call(
            "analyse",
            timeout_s=settings.ENGINE_CALL_TIMEOUT_S,
            on_progress=_reporter(job, keeper),
            on_wait=keeper,
            **_request(job, folder),
        )
        if not (job_renew(job) and job_succeed(job, answer["analysis"], folder)):
            raise LeaseLost


def image_volume(image: Image) -> dict[str, Any]:
    """Return the image's Volume as JSON, without its pixels; a raster is what its sender said."""
    return image.facts | {"modality": image.dicom_modality or DICOM_OF[image.modality]}


def _request(job: Job, folder: Path) -> dict[str, Any]:
    image = job.image
    return {
        "pixels": str(folder / "pixels.raw"),
        "dtype": image.dtype,
        "shape": list(image.shape),
        "volume": image_volume(image),
        "spec": job.run.frozen,
        "models_dir": str(settings.MODELS_DIR),
        "out_dir": str(folder),
    }


def _pixels_out(image: Image, path: Path) -> None:
    with blob_open(image.pixels) as reader, path.open("wb") as file:
        for piece in reader.chunks():
            file.write(piece)


def _reporter(job: Job, keeper: LeaseKeeper) -> Callable[[str, int, int], None]:
    """Write progress at most every half second; the last step always shows by its result."""
    next_at = 0.0

    def report(step: str, done: int, total: int) -> None:
        nonlocal next_at
        keeper()
        if time.monotonic() < next_at:
            return
        next_at = time.monotonic() + PROGRESS_S
        if not job_progress(job, step=step, done=done, total=total):
            raise LeaseLost

    return report
