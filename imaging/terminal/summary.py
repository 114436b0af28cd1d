"""summary.csv of an `analyze`: one row for each input, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_FROM_ROW = (
    *("area_px", "reference_px", "area_percent", "area_text", "denominator"),
    *("area_mm2", "volume_ml"),
    *("lesions", "largest_px", "average_intensity", "mean", "unit", "circularity", "sphericity"),
    *("severity", "severity_reason"),
)
COLUMNS = (
    *("file", "output", "outcome", "reason", "modality", "slices", "rows", "columns", "threshold"),
    *_FROM_ROW,
    *("models", "models_disagree", "run_ms"),
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def analysed_row(file: str, output: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of one measurements.json."""
    analysis = record["analysis"]
    operating = analysis["measures"]["operating"]
    slices, rows, columns = analysis["shape"]
    agreement = analysis["agreement"]
    return {
        "file": file,
        "output": output,
        "outcome": "analysed",
        "modality": record["image"]["modality"],
        "slices": slices,
        "rows": rows,
        "columns": columns,
        "threshold": operating["t"],
        **{name: operating[name] for name in _FROM_ROW},
        "models": ", ".join(member["model"] for member in analysis["members"]),
        "models_disagree": "" if agreement is None else agreement["disagree"],
        "run_ms": round(analysis["total_ms"]),
    }


def failed_row(file: str, reason: str) -> dict[str, Any]:
    return {"file": file, "outcome": "failed", "reason": reason}


def summary_write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write the rows under COLUMNS; what is null stays an empty cell."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        table.writeheader()
        for row in rows:
            table.writerow({name: safe_cell(value) for name, value in row.items()})


def safe_cell(value: Any) -> Any:
    """Return a text that a spreadsheet would run as a formula with an apostrophe before it."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value
