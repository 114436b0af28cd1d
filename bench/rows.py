"""PURE: one line of the benchmark, in the shape of its JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from bench.ratios import MET, MISSED, NOISY, Goal, Round, control, ratios, verdict

Row = dict[str, Any]


def ratio_row(
    suite: str,
    name: str,
    sides: tuple[str, str],
    rounds: Sequence[Round],
    goal: Goal,
    **more: Any,
) -> Row:
    """Return what B costs over A in paired rounds; `sides` names (A, B)."""
    word, why = verdict(rounds, goal)
    own = control(rounds)
    return {
        "suite": suite,
        "goal": name,
        "a": sides[0],
        "b": sides[1],
        "rounds": len(rounds),
        "ratio": {key: round(value, 3) for key, value in asdict(ratios(rounds)).items()},
        "control": {"min": round(own.min, 3), "max": round(own.max, 3)},
        "limit": goal.limit,
        "at_least": goal.at_least,
        "verdict": word,
        "why": why,
        **more,
    }


def value_row(
    suite: str, name: str, what: str, value: float, unit: str, goal: Goal | None = None, **more: Any
) -> Row:
    """Return one number that a busy machine does not change: a count, or memory."""
    judged = "" if goal is None else MET if goal.is_met(value) else MISSED
    return {
        "suite": suite,
        "goal": name,
        "b": what,
        "value": round(value, 2),
        "unit": unit,
        "limit": None if goal is None else goal.limit,
        "at_least": bool(goal and goal.at_least),
        "verdict": judged,
        "why": "",
        **more,
    }


def equal_row(
    suite: str, name: str, what: str, sides: tuple[str, str], counts: tuple[int, int], **more: Any
) -> Row:
    """Return two counts that should be the same."""
    same = counts[0] == counts[1]
    return {
        "suite": suite,
        "goal": name,
        "what": what,
        "a": sides[0],
        "b": sides[1],
        "count": {"a": counts[0], "b": counts[1]},
        "limit": "equal",
        "verdict": MET if same else MISSED,
        "why": "" if same else f"{counts[0]} and {counts[1]} are not the same",
        **more,
    }


def doubted(rows: Sequence[Row], unrest: Sequence[str]) -> list[Row]:
    """Return the rows with every verdict on times withheld, if the machine gave a reason."""
    if not unrest:
        return list(rows)
    return [
        {**row, "verdict": NOISY, "why": "; ".join([*unrest, *filter(None, [row["why"]])])}
        if "ratio" in row
        else row
        for row in rows
    ]


def medians(found: Sequence[dict[str, dict[str, float]]], key: str) -> dict[str, float]:
    """Return the median of `key` on both sides of rounds {"a", "b", "control"}."""
    own = [one[side][key] for one in found for side in ("a", "control")]
    return {"a": round(median(own), 1), "b": round(median(one["b"][key] for one in found), 1)}
