"""The benchmark on a terminal: one table, the profile beneath it, losses not left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.ratios import MET, MISSED, NO_DIFFERENCE, NOISY
from bench.rows import Row

COLOURS = {MET: "green", NO_DIFFERENCE: "green", MISSED: "red", NOISY: "yellow", "": "dim"}
SHOWN_MS = 0.5


def show(console: Console, rows: Sequence[Row], context: Mapping[str, Any]) -> None:
    """Print what was measured on which machine, and every reason for a doubt."""
    table = Table("suite", "goal", "what", "measured", "limit", "verdict", title="MediScan bench")
    for row in rows:
        word = row["verdict"]
        table.add_row(
            row["suite"], row["goal"], _what(row), measured(row), limit(row),
            f"[{COLOURS[word]}]{word or '—'}[/]",
        )  # fmt: skip
    console.print(table)
    for why in dict.fromkeys(row["why"] for row in rows if row["why"]):
        console.print(f"{'; '.join(_owners(rows, why))}: {why}", style="yellow", highlight=False)
    load = context["load"]
    console.print(
        f"{context['cpu']}, {context['affinity']} cores, load {load[0]:g} before, {load[1]:g} after,"
        f" steal {context['steal_percent']:g} %; commit {context['commit'] or 'unknown'};"
        f" {context.get('data', 'no pictures')}",
        highlight=False,
    )


def show_profile(console: Console, profile: Mapping[str, Sequence[float]]) -> None:
    """Print where a worker's time on one image goes, the dearest place first."""
    table = Table("place", "CPU ms", "clock ms", "of all CPU", title="One image in the worker")
    whole = sum(cpu for _, cpu in profile.values())
    for name, (wall, cpu) in sorted(profile.items(), key=lambda item: -item[1][1]):
        if max(wall, cpu) >= SHOWN_MS:
            table.add_row(name, f"{cpu:.1f}", f"{wall:.1f}", f"{cpu / whole:.0%}")
    table.add_row("all", f"{whole:.1f}", f"{sum(wall for wall, _ in profile.values()):.1f}", "")
    console.print(table)


def measured(row: Row) -> str:
    """Return the measured number as people read it, with its spread where there is one."""
    if "ratio" in row:
        found, own = row["ratio"], row["control"]
        return (
            f"{found['median']:.2f} ({found['min']:.2f}–{found['max']:.2f});"
            f" A/A {own['min']:.2f}–{own['max']:.2f}"
        )
    if "count" in row:
        return f"{row['count']['a']} and {row['count']['b']} {row.get('unit', '')}".strip()
    return f"{row['value']:g} {row['unit']}".strip()


def limit(row: Row) -> str:
    if row["limit"] is None:
        return "—"
    if isinstance(row["limit"], str):
        return row["limit"]
    return f"{'≥' if row['at_least'] else '≤'} {row['limit']:g}"


def _what(row: Row) -> str:
    if "ratio" in row:
        return f"{row['b']} ÷ {row['a']}"
    if "count" in row:
        return f"{row['what']}: {row['a']}, {row['b']}"
    return row["b"]


def _owners(rows: Sequence[Row], why: str) -> list[str]:
    return list(dict.fromkeys(f"{row['suite']} {row['goal']}" for row in rows if row["why"] == why))
