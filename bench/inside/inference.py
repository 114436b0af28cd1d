"""P1: a worker's time on an image beside the bare forwards of the same three networks."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings

from bench.inside import WARM_UP
from bench.inside.seeding import run_of
from bench.places import WORKER
from bench.stopwatch import Stopwatch
from imaging import tasks
from imaging.engine.client import Engine
from imaging.engine.scratch import scratch_folder
from imaging.models import Image, Job, JobStatus
from imaging.services import analysis

TIMEOUT_S = 600


def measure(rounds: int, profiled: int) -> dict[str, Any]:
    """Time `rounds` images in turn A B A' (A: forwards alone, B: the worker), then watch some.

    Every image is analysed once. The engine child and its loaded models serve A and B alike.
    """
    images = list(Image.objects.order_by("created_at", "id")[: WARM_UP + rounds + profiled])
    engine = Engine("infer", memory_mb=settings.ENGINE_MEMORY_CAP_MB, module="bench.engine_child")
    analysis.infer_engine = lambda **_: engine  # this process's own, as in a worker
    try:
        jobs = list(run_of(images).jobs.order_by("position"))
        for job in jobs[:WARM_UP]:
            _worker(engine, job)
        found = [_round(engine, job, n) for n, job in enumerate(jobs[WARM_UP : WARM_UP + rounds])]
        watched = _profile(engine, jobs[WARM_UP + rounds :])
        done = Job.objects.filter(status=JobStatus.SUCCEEDED).select_related("result")
        return {
            "rounds": found,
            "profile": watched,
            "images": done.count(),
            "loads": sum(job.result.timings["loads"] for job in done),
            "models": len(jobs[0].run.frozen["members"]),
        }
    finally:
        engine.close()


def _round(engine: Engine, job: Job, number: int) -> dict[str, Any]:
    """Measure B between two A; which A is the control's first changes from round to round."""
    before = _forward(engine, job)
    worker = _worker(engine, job)
    after = _forward(engine, job)
    first, second = (before, after) if number % 2 == 0 else (after, before)
    return {"a": first, "b": worker, "control": second}


def _forward(engine: Engine, job: Job) -> dict[str, float]:
    with scratch_folder() as folder:
        analysis.blob_out(job.image.pixels, folder / "pixels.raw")
        request = analysis._request(job, folder)
        return engine.call("forward", timeout_s=TIMEOUT_S, **request)


def _worker(engine: Engine, job: Job) -> dict[str, float]:
    engine.start()
    child, own = _spent(engine), time.process_time()
    started = time.perf_counter()
    tasks.run_job(str(job.pk))
    wall_ms = (time.perf_counter() - started) * 1000
    cpu_ms = (time.process_time() - own) * 1000 + _spent(engine) - child
    job.refresh_from_db()
    if job.status != JobStatus.SUCCEEDED:
        raise RuntimeError(f"the job ended {job.status}: {job.error}")
    timings = job.result.timings
    return {
        "wall_ms": wall_ms,
        "cpu_ms": cpu_ms,
        "forward_ms": timings["forward_ms"],
        "engine_ms": timings["total_ms"],
    }


def _spent(engine: Engine) -> float:
    return engine.call("spent", timeout_s=TIMEOUT_S)["cpu_ms"]


def _profile(engine: Engine, jobs: list[Job]) -> dict[str, list[float]]:
    """Return [wall ms, CPU ms] per image by place; the engine's own places replace its call."""
    if not jobs:
        return {}
    engine.call("watch", timeout_s=TIMEOUT_S, on=True)
    watch = Stopwatch(WORKER)
    watch.start()
    try:
        for job in jobs:
            tasks.run_job(str(job.pk))
    finally:
        outside = watch.stop()
    inside = engine.call("watch", timeout_s=TIMEOUT_S, on=False)["spent_ms"]
    wall, cpu = outside.pop("engine")
    pipe = {"pipe to the engine": (wall - sum(spent[0] for spent in inside.values()), cpu)}
    return {
        name: [wall / len(jobs), cpu / len(jobs)]
        for name, (wall, cpu) in {**inside, **outside, **pipe}.items()
    }
