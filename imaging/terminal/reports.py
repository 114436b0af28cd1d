"""The table of `validate`: as an object for JSON, on a terminal, and case by case as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.table import Column, Table

from imaging.inference.spec import EnsembleSpec
from imaging.terminal.scores import Case, block
from imaging.terminal.summary import safe_cell
from imaging.terminal.validation import ENSEMBLE

_SHOWN = ("dice", "iou", "hd95_mm", "hd95_px", "sensitivity", "specificity")
_NUMBERS = ("dice", "iou", "hd95", "nsd", "sensitivity", "specificity", "ppv", "n_ref", "n_pred")


def report_of(spec: EnsembleSpec, labels: Sequence[str], cases: Sequence[Case]) -> dict[str, Any]:
    """Return the summary of the ensemble and of each member, and what was compared with what."""
    members = [member.model for member in spec.members if member.weight > 0]
    return {
        "ensemble": block([c for c in cases if c.who == ENSEMBLE], labels),
        "members": {name: block([c for c in cases if c.who == name], labels) for name in members},
        "images": len({case.file for case in cases}),
        "labels": list(labels),
        "spec": spec.to_json(),
    }


def report_table(report: dict[str, Any]) -> Table:
    """Mean, median and worst of each metric, for the ensemble and each member."""
    table = Table(
        Column(overflow="fold"), "metric", "mean", "median", "worst", Column("in", overflow="fold"),
        box=None, pad_edge=False,
    )  # fmt: skip
    for who, summary in ((ENSEMBLE, report["ensemble"]), *report["members"].items()):
        _add_rows(table, who, summary)
        for label, part in summary.get("labels", {}).items():
            _add_rows(table, f"{who} · {label}", part)
    return table


def cases_write(path: Path, cases: Iterable[Case]) -> None:
    """Write one row per case, model and label."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["file", "model", "label", *_NUMBERS, "unit", "note"])
        for case in cases:
            numbers = [case.numbers[name] for name in (*_NUMBERS, "unit", "note")]
            cells = [case.file, case.who, case.label, *numbers]
            table.writerow([safe_cell(cell) for cell in cells])


def _add_rows(table: Table, who: str, summary: dict[str, Any]) -> None:
    for metric in (name for name in _SHOWN if name in summary):
        found = summary[metric]
        unit = " " + metric[-2:] if metric.startswith("hd95_") else ""
        figures = [_figure(found[name], unit) for name in ("mean", "median", "worst")]
        table.add_row(who, metric.split("_")[0], *figures, found["worst_file"] or "")
        who = ""


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "—"
    return f"{value:.2f}{unit}" if unit else f"{value:.4f}"
