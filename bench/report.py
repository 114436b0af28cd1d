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
    for suite in dict.fromkeys(row["suite"] for row in rows):
        console.print(_table(suite, [row for row in rows if row["suite"] == suite]))
    for why in dict.fromkeys(row["why"] for row in rows if row["why"]):
        console.print(f"{', '.join(_owners(rows, why))}: {why}", style="yellow", highlight=False)
    before, after = context["load"]
    console.print(
        f"{context['cpu']}, {context['affinity']} cores; load {before:g} before, {after:g} after,"
        f" steal {context['steal_percent']:g} %; commit {context['commit'] or 'unknown'};"
        f" {context.get('data', 'no pictures')}",
        highlight=False,
    )


def _table(suite: str, rows: Sequence[Row]) -> Table:
    title = f"{suite}{_sides(rows[0])}"
    table = Table("goal", "what", "measured", "limit", "verdict", title=title, title_justify="left")
    for row in rows:
        word = row["verdict"]
        colour = COLOURS[word]
        verdict = f"[{colour}]{word or '—'}[/]"
        table.add_row(row["goal"], _what(row), measured(row), limit(row), verdict)
    return table


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
        count, cpu = row["count"], row["cpu_ms"]
        return f"{count['a']} and {count['b']} ({cpu['a']:g} and {cpu['b']:g} ms)"
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
        return row["what"]
    return row["b"]


def _sides(row: Row) -> str:
    return f": statements (CPU) with {row['a']} and with {row['b']}" if "count" in row else ""


def _owners(rows: Sequence[Row], why: str) -> list[str]:
    return list(dict.fromkeys(f"{row['goal']} {_what(row)}" for row in rows if row["why"] == why))
