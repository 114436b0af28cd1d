"""summary.csv of an `analyze`: one row for each input, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from imaging.answer_words import headline, refusal
from imaging.measures.numbers import mask_px

_FROM_ROW = (
    *(
        "mask_px",
        "counted_in",
        "area_px",
        "reference_px",
        "area_percent",
        "area_text",
        "denominator",
    ),
    *("area_mm2", "volume_ml"),
    *("lesions", "largest_px", "average_intensity", "mean", "unit", "circularity", "sphericity"),
    *("severity", "severity_reason"),
)
_ANSWERS = ("task", "answer", "classes", "boxes", "joined_by", "input_check")
COLUMNS = (
    *("file", "output", "outcome", "reason", "modality", "slices", "rows", "columns", "threshold"),
    *_FROM_ROW,
    *_ANSWERS,
    *("models", "models_disagree", "run_ms"),
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def analysed_row(file: str, output: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of one measurements.json."""
    analysis = record["analysis"]
    measures = analysis["measures"]
    operating = measures["operating"] if measures else {}
    refused = refusal(analysis)
    slices, rows, columns = analysis["shape"]
    if operating:
        counted_in = "voxels" if slices > 1 else "px"
        operating = {**operating, "mask_px": mask_px(operating), "counted_in": counted_in}
    agreement = analysis["agreement"]
    return {
        "file": file,
        "output": output,
        "outcome": "not analysed" if refused else "analysed",
        "reason": refused,
        "modality": record["image"]["modality"],
        "slices": slices,
        "rows": rows,
        "columns": columns,
        "threshold": operating.get("t"),
        **{name: operating.get(name) for name in _FROM_ROW},
        "task": analysis["type"],
        "answer": headline(analysis)
        or f"{operating['area_text']} of the {operating['denominator']}, {operating['severity']}",
        "classes": "; ".join(
            f"{c['label']}={c['p']:g} {c['verdict']}" for c in analysis["classes"]
        ),
        "boxes": "; ".join(_box(one) for one in analysis["boxes"]),
        "joined_by": analysis["fusion"],
        "input_check": _checked(analysis["gate"]),
        "models": ", ".join(member["model"] for member in analysis["members"]),
        "models_disagree": "" if agreement is None else agreement["disagree"],
        "run_ms": round(analysis["total_ms"]),
    }


def _box(one: Mapping[str, Any]) -> str:
    place = " ".join(f"{value:g}" for value in one["box"])
    return f"{one['label']} {one['score']:g} [{place}] slice {one['slice'] + 1}"


def _checked(gate: Mapping[str, Any]) -> str:
    """Return what the input gate said: passed, or its sentences."""
    return " ".join(one["sentence"] for one in gate["checks"]) or "passed"


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
