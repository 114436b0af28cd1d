"""P4 and PERFORMANCE §8: what the web worker, the queue's processes and the engine hold."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

from bench.house import House, SuiteFailed, wait_until
from bench.inside import EMAIL, PASSWORD
from bench.ratios import Goal
from bench.rows import Row, value_row
from bench.suites.processes import (
    HOST,
    WORKER,
    children_of,
    engine_of,
    free_port,
    is_engine,
    peak_mb,
    rss_mb,
    web,
)
from bench.suites.sizes import Sizes
from bench.visitor import Visitor, mixed

WEB, QUEUE, ENGINE = Goal(150), Goal(150), Goal(1200)  # MiB
START_S = 60


def measure(template: House, sizes: Sizes) -> list[Row]:
    """Analyse a batch with the real worker, then read its pages from the real web server."""
    house = template.copied("memory")
    rows, batch = _worker(house, sizes.memory_images)
    return [*_web(house, batch, sizes.requests), *rows]


def _worker(house: House, images: int) -> tuple[list[Row], dict[str, Any]]:
    with house.started(WORKER) as worker:
        batch = house.ask("bench.inside.batch:measure", images=images)
        engine = engine_of(worker)
        if engine is None:
            raise SuiteFailed("the worker has no engine child after a batch")
        others = [one for one in children_of(worker) if not is_engine(one)]
        return [
            value_row("memory", "§8", f"engine child after {images} images", rss_mb(engine),
                      "MiB", ENGINE, peak_mb=round(peak_mb(engine), 1)),
            value_row("memory", "§8", "largest process of the queue",
                      max(rss_mb(one) for one in others), "MiB", QUEUE),
        ], batch  # fmt: skip


def _web(house: House, batch: dict[str, Any], requests: int) -> list[Row]:
    port = free_port()
    base = f"http://{HOST}:{port}"
    with house.started(web(port)) as master:
        wait_until(lambda: _answers(base), START_S)
        worker = children_of(master)[0]
        fresh = rss_mb(worker)
        visitor = Visitor(base)
        visitor.sign_in(EMAIL, PASSWORD)
        visitor.look_around(mixed(batch), requests)
        return [
            value_row("memory", "P4", "web worker, fresh", fresh, "MiB", WEB),
            value_row("memory", "P4", f"web worker after {requests} mixed requests",
                      rss_mb(worker), "MiB", WEB, peak_mb=round(peak_mb(worker), 1)),
        ]  # fmt: skip


def _answers(base: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base}/healthz/", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):  # not listening yet
        return False
