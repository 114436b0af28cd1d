"""One batch through the real queue of a house, whose worker runs beside this process."""

from __future__ import annotations

import time
from typing import Any

from bench.inside.seeding import run_of
from imaging.models import Image, JobStatus, Run

LOOK_S = 0.1


def measure(images: int, timeout_s: float = 1200) -> dict[str, Any]:
    """Submit a run of `images` pictures and wait for its last result.

    Seconds are those between the run's row and the last job's end, as the database has them.
    Raises RuntimeError when a job fails or the worker is silent for too long.
    """
    run = run_of(list(Image.objects.order_by("created_at", "id")[:images]))
    deadline = time.monotonic() + timeout_s
    while run.jobs.live().exists():
        if time.monotonic() > deadline:
            raise RuntimeError(f"the worker did not finish {images} images in {timeout_s:.0f} s")
        time.sleep(LOOK_S)
    return _found(run)


def _found(run: Run) -> dict[str, Any]:
    jobs = list(run.jobs.select_related("result", "image"))
    for job in jobs:
        if job.status != JobStatus.SUCCEEDED:
            raise RuntimeError(f"a job ended {job.status}: {job.error}")
    return {
        "images": len(jobs),
        "seconds": (max(job.finished_at for job in jobs) - run.created_at).total_seconds(),
        "loads": sum(job.result.timings["loads"] for job in jobs),
        "models": len(run.frozen["members"]),
        "run": str(run.pk),
        "studies": [str(job.image.study_id) for job in jobs],
        "images_ids": [str(job.image_id) for job in jobs],
        "results": [str(job.result.pk) for job in jobs],
    }
