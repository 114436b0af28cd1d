"""From metrics by case to the table of `validate`: mean, median, worst and their company."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from imaging.measures.numbers import rounded

OVERLAP = ("dice", "iou", "nsd")  # of two empty masks: undefined, or 1 by agreement
SHARES = (*OVERLAP, "sensitivity", "specificity", "ppv")
METRICS = ("dice", "iou", "hd95_mm", "hd95_px", "nsd", "sensitivity", "specificity", "ppv")
_RESAMPLES, _SEED = 2000, 0


@dataclass(frozen=True, slots=True)
class Case:
    """One mask against one reference: who drew it, of which label, and `compare`'s numbers."""

    file: str
    patient: str
    who: str
    label: str
    numbers: Mapping[str, Any]

    def value(self, metric: str) -> float | None:
        if metric.startswith("hd95_"):
            return self.numbers["hd95"] if metric == f"hd95_{self.numbers['unit']}" else None
        return self.numbers[metric]


def block(cases: Sequence[Case], labels: Sequence[str]) -> dict[str, Any]:
    """Return the summary of one `who`: every metric, and a block per label when there are several.

    With several labels the top figures are of each case's mean over its labels.
    """
    if len(labels) == 1:
        return _metrics(cases)
    parts = {label: _metrics([c for c in cases if c.label == label]) for label in labels}
    return {**_metrics([_mean_case(of_file) for of_file in _by_file(cases)]), "labels": parts}


def summary(values: Sequence[tuple[str, str, float | None]], metric: str) -> dict[str, Any]:
    """Return mean, median, SD (ddof 1), quartiles, bootstrap interval and the worst with its file.

    values   file, patient and number of each case; None where the metric is undefined.

    Of hd95 the largest is the worst, of all others the smallest. The interval is of the mean,
    95 %, by resampling patients 2,000 times from a fixed seed. Source: MEASURES §12.
    """
    known = [(value, file, patient) for file, patient, value in values if value is not None]
    if not known:
        return {"mean": None, "median": None, "worst": None, "worst_file": None, "n": 0,
                "nulls": len(values)}  # fmt: skip
    numbers = np.array([value for value, _, _ in known])
    worst, worst_file, _ = max(known) if metric.startswith("hd95") else min(known)
    quarter, half, three = np.percentile(numbers, (25, 50, 75))
    return {
        "mean": rounded(numbers.mean()),
        "median": rounded(half),
        "worst": rounded(worst),
        "worst_file": worst_file,
        "sd": rounded(numbers.std(ddof=1)) if len(known) > 1 else None,
        "p25": rounded(quarter),
        "p75": rounded(three),
        "ci95": _interval(known),
        "n": len(known),
        "nulls": len(values) - len(known),
    }


def missed(report: Mapping[str, Any], wanted: Mapping[str, float]) -> list[str]:
    """Return a sentence for every mean of the ensemble that is not as good as wanted."""
    sentences = []
    for metric, bar in wanted.items():
        mean = report["ensemble"].get(metric, {}).get("mean")
        enough = mean is not None and (mean <= bar if metric.startswith("hd95") else mean >= bar)
        if not enough:
            sentences.append(f"mean {metric} of the ensemble is {mean}, wanted {bar}")
    return sentences


def _metrics(cases: Sequence[Case]) -> dict[str, Any]:
    found = {}
    for metric in METRICS:
        values = [(case.file, case.patient, case.value(metric)) for case in cases]
        if metric.startswith("hd95") and not _has_unit(cases, metric):
            continue
        found[metric] = summary(values, metric)
        if metric in OVERLAP:
            found[metric] |= _with_agreed_empty(cases, values)
    return found


def _has_unit(cases: Iterable[Case], metric: str) -> bool:
    return any(metric == f"hd95_{case.numbers['unit']}" for case in cases)


def _with_agreed_empty(
    cases: Sequence[Case], values: Sequence[tuple[str, str, float | None]]
) -> dict[str, Any]:
    """The both-empty rule: how many cases agreed on nothing, and the mean counting them as 1."""
    agreed = sum(case.numbers["note"] == "agreed empty" for case in cases)
    if not agreed:
        return {"agreed_empty": 0}
    numbers = [value for _, _, value in values if value is not None] + [1.0] * agreed
    return {"agreed_empty": agreed, "mean_with_agreed_empty": rounded(float(np.mean(numbers)))}


def _interval(known: Sequence[tuple[float, str, str]]) -> list[float | None] | None:
    by_patient: dict[str, list[float]] = {}
    for value, _, patient in known:
        by_patient.setdefault(patient, []).append(value)
    if len(by_patient) < 2:
        return None
    sums = np.array([sum(values) for values in by_patient.values()])
    counts = np.array([len(values) for values in by_patient.values()])
    drawn = np.random.default_rng(_SEED).integers(0, len(sums), (_RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return [rounded(float(end)) for end in np.percentile(means, (2.5, 97.5))]


def _by_file(cases: Iterable[Case]) -> list[list[Case]]:
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault(case.file, []).append(case)
    return list(found.values())


def _mean_case(cases: Sequence[Case]) -> Case:
    """One case whose numbers are the means over its labels, undefined ones left out."""
    numbers: dict[str, Any] = {"unit": cases[0].numbers["unit"], "note": ""}
    for metric in (*SHARES, "hd95"):
        known = [case.numbers[metric] for case in cases if case.numbers[metric] is not None]
        numbers[metric] = float(np.mean(known)) if known else None
    if all(case.numbers["note"] == "agreed empty" for case in cases):
        numbers["note"] = "agreed empty"
    return Case(cases[0].file, cases[0].patient, cases[0].who, "", numbers)
