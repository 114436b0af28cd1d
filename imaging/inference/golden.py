"""A model's golden case: one picture beside the model, and the answer that it must give."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imaging.inference.fields import Fields, is_number, show

if TYPE_CHECKING:
    from imaging.inference.analysis import Analysis, Map
    from imaging.inference.spec import EnsembleSpec
    from imaging.types import Volume

FILE = re.compile(r"golden-[a-z0-9]{1,40}(\.[a-z0-9]{1,8}){1,2}")
MOST_LEVELS = 13  # of 255: a case that allows more says nothing
LEAST_DICE, MOST_POINTS = 0.999, 0.1  # PERFORMANCE rule 5
LEAST_IOU = 0.99
PASSED, FAILED, NONE = "passed", "failed", "none"
Figures = dict[str, float | int | str]


@dataclass(frozen=True, slots=True)
class GoldenCase:
    """What metadata.json says of it.

    input      a picture or volume in the folder, of any format that is read.
    expected   segmentation: the file of the map, 0…255 (PNG, or NIfTI for a volume);
               classification: probability by label; detection: {"label", "score", "box"} each.
    tolerance  in levels of 255: what a map, a probability or a score may differ by.
    """

    input: str
    expected: Any
    tolerance: int


def golden_case(fields: Fields, kind: str) -> GoldenCase | None:
    """Take `golden`, or None."""
    if not fields.has("golden"):
        return None
    inner = fields.inner("golden")
    good = {"segmentation": _is_file, "classification": _are_shares, "detection": _are_boxes}[kind]
    wants = {
        "segmentation": "a file named golden-….png or golden-….nii.gz",
        "classification": "an object of probabilities by label",
        "detection": "a list of objects with label, score and box",
    }[kind]
    case = GoldenCase(
        input=_file_of(inner),
        expected=inner.take("expected"),
        tolerance=inner.number("tolerance", 1, low=0, high=MOST_LEVELS, whole=True),
    )
    if not good(case.expected):
        inner.fail("expected", f"{show(case.expected)} is not {wants}.")
    inner.done()
    return case


def compared(
    analysis: Analysis, case: GoldenCase, volume: Volume, spec: EnsembleSpec, expected: Map | None
) -> dict[str, Any]:
    """Return {"outcome", "figures", "sentence"}: how far the answer lies from the one wanted.

    expected   the map of a segmentation, else None.
    """
    if analysis.type == "segmentation":
        assert expected is not None  # it was read from the file that `expected` names
        return _of_map(analysis, case, volume, spec, expected)
    if analysis.type == "classification":
        return _of_classes(analysis.classes, case)
    return _of_boxes(analysis.boxes, case)


def told(faults: Sequence[str], figures: Figures) -> dict[str, Any]:
    """Return an outcome; every fault is a sentence with its numbers."""
    outcome = FAILED if faults else PASSED
    return {"outcome": outcome, "figures": figures, "sentence": " ".join(faults)}


def _of_map(
    analysis: Analysis, case: GoldenCase, volume: Volume, spec: EnsembleSpec, expected: Map
) -> dict[str, Any]:
    import numpy as np

    from imaging.measures.measuring import measure
    from imaging.measures.reference import dice
    from imaging.measures.threshold import threshold_level

    q = analysis.ensemble
    assert q is not None  # the gate let the picture through
    assert analysis.measures is not None
    if expected.shape != q.shape or expected.dtype != np.uint8:
        return told(
            [f"The expected map is {expected.dtype} {expected.shape}, the model's {q.shape}."], {}
        )
    level = threshold_level(spec.threshold)
    ours = analysis.measures["operating"]
    rule = analysis.measures["severity_rule"]
    plain = {key: rule[key] for key in ("rule", "version", "basis", "area", "circularity")}
    theirs = measure(expected, volume, plain, spec.threshold)["operating"]
    same = dice(q >= level, expected >= level)
    apart = int(np.abs(q.astype(np.int16) - expected).max())
    points = abs((ours["area_percent"] or 0) - (theirs["area_percent"] or 0))
    figures: Figures = {
        "levels": apart,
        "dice": 1.0 if same is None else round(float(same), 6),
        "area_points": round(points, 4),
        "severity": ours["severity"],
    }
    faults = []
    if apart > case.tolerance:
        faults.append(f"The map differs by {apart} of 255; {case.tolerance} are allowed.")
    if same is not None and same < LEAST_DICE:
        faults.append(f"Dice with the expected mask is {same:.4f}; {LEAST_DICE} is wanted.")
    if points > MOST_POINTS:
        faults.append(
            f"The area differs by {points:.2f} percentage points; {MOST_POINTS} are allowed."
        )
    if ours["severity"] != theirs["severity"]:
        faults.append(f"Severity is {ours['severity']}, expected {theirs['severity']}.")
    return told(faults, figures)


def _of_classes(classes: Sequence[Mapping[str, Any]], case: GoldenCase) -> dict[str, Any]:
    found = {one["label"]: one["p"] for one in classes}
    if set(found) != set(case.expected):
        labels = ", ".join(sorted(found))
        return told([f"The model answers {labels}; expected {', '.join(sorted(case.expected))}."],
                    {})  # fmt: skip
    faults, worst = [], 0.0
    for label, p in found.items():
        apart = abs(p - case.expected[label])
        worst = max(worst, apart)
        if 255 * apart > case.tolerance:
            faults.append(f"{label}: {p:.4f}, expected {case.expected[label]:.4f}.")
    return told(faults, {"probability": round(worst, 6)})


def _of_boxes(boxes: Sequence[Mapping[str, Any]], case: GoldenCase) -> dict[str, Any]:
    import numpy as np

    from imaging.inference.boxes import iou

    if len(boxes) != len(case.expected):
        return told([f"{len(boxes)} boxes were found, {len(case.expected)} expected."], {})
    faults, apart, least = [], 0.0, 1.0
    for found, wanted in zip(boxes, case.expected, strict=True):
        away = abs(found["score"] - wanted["score"])
        over = float(iou(np.array(found["box"]), np.array([wanted["box"]]))[0])
        apart, least = max(apart, away), min(least, over)
        if found["label"] != wanted["label"] or over < LEAST_IOU or 255 * away > case.tolerance:
            faults.append(
                f"{found['label']} {found['score']:.4f} overlaps {over:.3f} with the expected "
                f"{wanted['label']} {wanted['score']:.4f}."
            )
    return told(faults, {"probability": round(apart, 6), "overlap": round(least, 6)})


def _file_of(inner: Fields) -> str:
    name = inner.text("input")
    if not _is_file(name):
        inner.fail("input", f"{show(name)} is not a file named golden-….png or golden-….nii.gz.")
    return str(name)


def _is_file(value: Any) -> bool:
    return isinstance(value, str) and FILE.fullmatch(value) is not None


def _are_shares(value: Any) -> bool:
    return (
        isinstance(value, dict) and bool(value) and all(is_number(p, 0, 1) for p in value.values())
    )


def _are_boxes(value: Any) -> bool:
    return isinstance(value, list) and all(_is_box(one) for one in value)


def _is_box(one: Any) -> bool:
    return (
        isinstance(one, dict)
        and set(one) == {"label", "score", "box"}
        and isinstance(one["label"], str)
        and is_number(one["score"], 0, 1)
        and isinstance(one["box"], list)
        and len(one["box"]) == 4
        and all(is_number(side, 0, 1e6) for side in one["box"])
    )
