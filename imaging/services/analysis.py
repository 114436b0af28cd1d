"""One claimed job through the engine: pixels out of the vault, answer into the database."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.models import Blob
from accounts.tracing import request_id
from accounts.vault.storage import blob_open
from imaging.engine.client import infer_engine
from imaging.engine.scratch import scratch_folder
from imaging.models import Image, Job
from imaging.registry.store import store_root
from imaging.services.jobs import job_held, job_progress, job_succeed
from imaging.services.leases import LeaseKeeper, LeaseLost
from imaging.types import LOCALIZER

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
        blob_out(image.pixels, folder / "pixels.raw")
        report = _Reporter(job)
        answer = infer_engine(memory_mb=settings.ENGINE_MEMORY_CAP_MB).call(
            "analyse",
            timeout_s=settings.ENGINE_CALL_TIMEOUT_S,
            on_progress=report,
            on_wait=report.wait,
            trace=request_id.get(),
            **_request(job, folder),
        )
        report.keeper.secure()
        if not job_succeed(job, answer["analysis"], folder):
            raise LeaseLost


def image_volume(image: Image) -> dict[str, Any]:
    """Return the image's Volume as JSON, without its pixels; a raster is what its sender said."""
    return image.facts | {
        "modality": image.dicom_modality or DICOM_OF[image.modality],
        "body_part": json.loads(image.header or "{}").get("body_part", ""),
        "localizer": LOCALIZER in image.warnings,
    }


def _request(job: Job, folder: Path) -> dict[str, Any]:
    image = job.image
    return {
        "pixels": str(folder / "pixels.raw"),
        "dtype": image.dtype,
        "shape": list(image.shape),
        "volume": image_volume(image),
        "spec": job.run.frozen,
        "overridden": job.run.override_of_id is not None,
        "models_dir": str(settings.MODELS_DIR),
        "store_dir": str(store_root()),
        "out_dir": str(folder),
    }


def blob_out(blob: Blob, path: Path) -> None:
    """Write what a blob holds to a file that the engine may read."""
    with blob_open(blob) as reader, path.open("wb") as file:
        for piece in reader.chunks():
            file.write(piece)


class _Reporter:
    """Shows how far a job is, at most every half second, and keeps its lease.

    An image that is done within half a second shows by its result alone: its steps cost no write.
    """

    def __init__(self, job: Job) -> None:
        self.keeper = LeaseKeeper(lambda: job_held(job))
        self._job = job
        self._unsaid: tuple[str, int, int] | None = None
        self._next_at = time.monotonic() + PROGRESS_S

    def __call__(self, step: str, done: int, total: int) -> None:
        self.keeper()
        self._unsaid = (step, done, total)
        if time.monotonic() >= self._next_at:
            self._say()

    def wait(self) -> None:
        """Hear that the engine was silent for about a second: say what it is at."""
        self.keeper()
        self._say()

    def _say(self) -> None:
        if self._unsaid is None:
            return
        step, done, total = self._unsaid
        self._unsaid, self._next_at = None, time.monotonic() + PROGRESS_S
        if not job_progress(self._job, step=step, done=done, total=total):
            raise LeaseLost
