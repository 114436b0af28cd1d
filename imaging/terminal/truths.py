"""The references of classes and boxes: one CSV file, a row per image or per box."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from imaging.inference.metadata_labels import label_key
from imaging.measures.framing import Box
from imaging.terminal.inputs import stem

CORNERS = ("x0", "y0", "x1", "y1")


class TruthError(ValueError):
    """The file does not say what is true; `str(error)` says where."""


def class_truths(path: Path, labels: Sequence[str]) -> dict[str, dict[str, bool]]:
    """Return {stem: {label_key: holds}} of `file,<label>,…` with 0 and 1, or of `file,label`.

    Raises TruthError naming the row.
    """
    found: dict[str, dict[str, bool]] = {}
    for number, row in _rows(path):
        keyed = {label_key(name): value.strip() for name, value in row.items()}
        if "label" in keyed and label_key("label") not in map(label_key, labels):
            one = label_key(keyed["label"])
            truth = {label_key(label): label_key(label) == one for label in labels}
        else:
            truth = {label_key(name): _holds(keyed, name, number) for name in labels}
        found[_stem(row, number, found)] = truth
    return found


def box_truths(path: Path, labels: Sequence[str]) -> dict[str, dict[str, list[Box]]]:
    """Return {stem: {label_key: boxes}} of `file,label,x0,y0,x1,y1`; without corners: no box.

    Raises TruthError naming the row.
    """
    known = {label_key(label) for label in labels}
    found: dict[str, dict[str, list[Box]]] = {}
    for number, row in _rows(path):
        boxes = found.setdefault(stem(Path(row["file"])), {})
        corners = [row.get(name, "").strip() for name in CORNERS]
        if not any(corners):
            continue
        key = label_key(row.get("label", "") or (labels[0] if len(labels) == 1 else ""))
        if key not in known:
            raise TruthError(f"Row {number}: there is no label “{row.get('label', '')}”.")
        try:
            x0, y0, x1, y1 = (float(value) for value in corners)
        except ValueError:
            raise TruthError(f"Row {number}: the corners are not four numbers.") from None
        boxes.setdefault(key, []).append((x0, y0, x1, y1))
    return found


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            if "file" not in (table.fieldnames or ()):
                raise TruthError(f"{path.name} has no column “file”.")
            return [
                (n, {k: v or "" for k, v in row.items() if k}) for n, row in enumerate(table, 2)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TruthError(f"{path.name} is not a readable CSV file ({error}).") from None


def _holds(keyed: Mapping[str, str], label: str, number: int) -> bool:
    value = keyed.get(label_key(label), "")
    if value not in ("0", "1"):
        raise TruthError(f"Row {number}: “{value}” of {label} is not 0 or 1.")
    return value == "1"


def _stem(row: Mapping[str, str], number: int, found: Mapping[str, object]) -> str:
    name = stem(Path(row["file"]))
    if name in found:
        raise TruthError(f"Row {number}: {row['file']} stands twice.")
    return name
