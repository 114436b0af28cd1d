"""P1 and G4: a worker's time beside bare forwards, and how often a model is loaded."""

from __future__ import annotations

from statistics import median

from bench.house import House
from bench.ratios import Goal, Round
from bench.rows import Row, medians, ratio_row, value_row
from bench.suites.sizes import Sizes

P1 = Goal(1.25)  # 1.10 in the end: PERFORMANCE §1
ONE_LOAD = Goal(1)


def measure(template: House, sizes: Sizes) -> tuple[list[Row], dict[str, list[float]]]:
    """Return the rows, and [clock ms, CPU ms] by place of one image."""
    house = template.copied("inference")
    found = house.ask(
        "bench.inside.inference:measure", rounds=sizes.rounds, profiled=sizes.profiled
    )
    rounds = found["rounds"]
    times = {key: medians(rounds, key) for key in ("wall_ms", "cpu_ms")}
    sides = ("bare forwards", "worker")
    rows = [
        ratio_row("inference", "P1", sides, _of(rounds, "wall_ms"), P1, **times),
        ratio_row("inference", "P1, processor time", sides, _of(rounds, "cpu_ms"), P1),
        value_row(
            "inference", "P1", "worker ÷ the forwards inside it",
            median(one["b"]["wall_ms"] / one["b"]["forward_ms"] for one in rounds), "×",
        ),
        value_row(
            "inference", "G4", f"loads per model, {found['images']} images",
            found["loads"] / found["models"], "", ONE_LOAD,
        ),
    ]  # fmt: skip
    return rows, found["profile"]


def _of(rounds: list[dict], key: str) -> list[Round]:
    return [Round(one["a"][key], one["b"][key], one["control"][key]) for one in rounds]
