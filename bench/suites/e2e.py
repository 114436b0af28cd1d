"""P9: images a second through the real queue, with one worker process and with two."""

from __future__ import annotations

from contextlib import ExitStack
from statistics import median
from typing import Any

from bench.house import House
from bench.ratios import Goal, Round
from bench.rows import Row, ratio_row, value_row
from bench.suites.processes import WORKER
from bench.suites.sizes import Sizes

P9 = Goal(1.8, at_least=True)
ONE_LOAD = Goal(1)
Batch = dict[str, Any]


def measure(template: House, sizes: Sizes) -> list[Row]:
    """Both houses stay warm; in turn one of them gets a batch while the other waits."""
    with ExitStack() as stack:
        houses = {}
        for workers in (1, 2):
            house = houses[workers] = template.copied(f"workers-{workers}")
            stack.enter_context(house.started(WORKER, WORKERS=str(workers)))
        batches: dict[int, list[Batch]] = {
            workers: [_batch(house, 2 * workers)] for workers, house in houses.items()
        }
        for _ in range(sizes.batch_rounds):
            for workers in (1, 2, 1):
                batches[workers].append(_batch(houses[workers], sizes.batch))
    speeds = {workers: [_speed(one) for one in some[1:]] for workers, some in batches.items()}
    return [_ratio(speeds, sizes), *_speeds(speeds, sizes), *_loads(batches)]


def _batch(house: House, images: int) -> Batch:
    return house.ask("bench.inside.batch:measure", images=images)


def _speed(batch: Batch) -> float:
    return batch["images"] / batch["seconds"]


def _ratio(speeds: dict[int, list[float]], sizes: Sizes) -> Row:
    """The two batches of one worker around that of two: which is the control's first, in turn."""
    rounds = []
    for number, two in enumerate(speeds[2]):
        around = speeds[1][2 * number : 2 * number + 2]
        first, second = around if number % 2 == 0 else reversed(around)
        rounds.append(Round(first, two, second))
    return ratio_row(
        "e2e", "P9", ("images a second, 1 worker", "2 workers"), rounds, P9,
        batch=sizes.batch,
        images_per_s={"a": round(median(speeds[1]), 3), "b": round(median(speeds[2]), 3)},
    )  # fmt: skip


def _speeds(speeds: dict[int, list[float]], sizes: Sizes) -> list[Row]:
    return [
        value_row("e2e", "P9", f"batch of {sizes.batch}, {workers} worker{'s' * (workers > 1)}",
                  median(some), "images/s")
        for workers, some in speeds.items()
    ]  # fmt: skip


def _loads(batches: dict[int, list[Batch]]) -> list[Row]:
    rows = []
    for workers, some in batches.items():
        loads, images = sum(one["loads"] for one in some), sum(one["images"] for one in some)
        rows.append(
            value_row(
                "e2e", "G4", f"loads per model and worker, {workers} × {images} images",
                loads / (some[0]["models"] * workers), "", ONE_LOAD,
            )
        )  # fmt: skip
    return rows
