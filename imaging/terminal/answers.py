"""`validate` for classes and boxes: every image against its row, then the figures by label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from rich.table import Column, Table

from imaging.inference.boxes import FLOOR
from imaging.inference.metadata_labels import label_key
from imaging.inference.spec import EnsembleSpec
from imaging.measures.framing import (
    Box,
    Drawn,
    average_precision,
    froc,
    mean_average_precision,
)
from imaging.measures.numbers import rounded
from imaging.measures.ranking import auroc, brier, calibration_error, rates

METRICS = {
    "classification": ("auroc", "sensitivity", "specificity", "ppv", "brier", "ece"),
    "detection": ("ap50", "map"),
}
LOWER_IS_BETTER = ("brier", "ece")
_RESAMPLES, _SEED = 2000, 0


def class_report(
    spec: EnsembleSpec,
    found: Mapping[str, Sequence[Mapping[str, Any]]],
    truths: Mapping[str, Mapping[str, bool]],
) -> dict[str, Any]:
    """Return the figures of each label: `found` holds the class lines by image.

    Positive is what the ensemble calls so at its own threshold. Source: MEASURES §12.
    """
    labels = {}
    for key, name in _names(found).items():
        lines = {image: line for image, of in found.items() for line in of
                 if label_key(line["label"]) == key and key in truths[image]}  # fmt: skip
        if not lines:
            continue
        p = [line["p"] for line in lines.values()]
        truth = [truths[image][key] for image in lines]
        said = [line["verdict"] == "positive" for line in lines.values()]
        labels[name] = {
            "n": len(lines),
            "positive": sum(truth),
            "threshold": next(iter(lines.values()))["threshold"],
            "auroc": rounded(auroc(p, truth)),
            "auroc_ci95": _interval(p, truth),
            **rates(said, truth),
            "brier": rounded(brier(p, truth)),
            "ece": rounded(calibration_error(p, truth)),
        }
    return _report(spec, labels, METRICS["classification"], len(found))


def box_report(
    spec: EnsembleSpec,
    found: Mapping[str, Sequence[Mapping[str, Any]]],
    truths: Mapping[str, Mapping[str, Sequence[Box]]],
) -> dict[str, Any]:
    """Return the figures of each label: `found` holds the box lines by image.

    Every box above the floor counts, so that the curve is whole. Source: MEASURES §11.
    """
    labels = {}
    for label in spec.labels:
        key = label_key(label)
        drawn = {image: [Drawn(one["score"], tuple(one["box"])) for one in of
                         if label_key(one["label"]) == key]
                 for image, of in found.items()}  # fmt: skip
        wanted = {image: list(truths[image].get(key, ())) for image in found}
        curve = froc(drawn, wanted)
        labels[label] = {
            "n": len(found),
            "positive": sum(len(boxes) for boxes in wanted.values()),
            "ap50": rounded(average_precision(drawn, wanted)),
            "map": rounded(mean_average_precision(drawn, wanted)),
            "froc": None if curve is None else {k: rounded(v) for k, v in curve.items()},
        }
    return _report(spec, labels, METRICS["detection"], len(found))


def asked_of(spec: EnsembleSpec) -> EnsembleSpec:
    """Return the spec that shows all there is to rank: of boxes those above the floor."""
    if spec.type != "detection":
        return spec
    return replace(spec, thresholds=dict.fromkeys(spec.labels, FLOOR))


def answers_table(report: Mapping[str, Any], metrics: Sequence[str]) -> Table:
    """Return the figures by label for a terminal."""
    columns = ("images", "positive", *metrics)
    table = Table(Column(overflow="fold"), *columns, box=None, pad_edge=False)
    for label, of in report["labels"].items():
        figures = ["—" if of[name] is None else f"{of[name]:.4f}" for name in metrics]
        table.add_row(label, str(of["n"]), str(of["positive"]), *figures)
    return table


def missed(report: Mapping[str, Any], bars: Mapping[str, float]) -> list[str]:
    """Return a sentence for every mean that is not as good as wanted."""
    sentences = []
    for metric, bar in bars.items():
        mean = report["means"].get(metric)
        better = mean is not None and (mean <= bar if metric in LOWER_IS_BETTER else mean >= bar)
        if not better:
            sentences.append(f"mean {metric} of the ensemble is {mean}, wanted {bar}")
    return sentences


def _report(
    spec: EnsembleSpec, labels: dict[str, dict[str, Any]], metrics: Sequence[str], images: int
) -> dict[str, Any]:
    means = {}
    for metric in metrics:
        known = [of[metric] for of in labels.values() if of[metric] is not None]
        means[metric] = rounded(float(np.mean(known))) if known else None
    return {"images": images, "labels": labels, "means": means, "spec": spec.to_json()}


def _names(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, str]:
    names: dict[str, str] = {}
    for lines in found.values():
        for line in lines:
            names.setdefault(label_key(line["label"]), line["label"])
    return names


def _interval(p: Sequence[float], truth: Sequence[bool]) -> list[float | None] | None:
    """Return the 95 % interval of the AUROC, images drawn anew 2,000 times from a fixed seed."""
    values, wanted = np.asarray(p), np.asarray(truth)
    if len(set(truth)) < 2:
        return None
    drawn = np.random.default_rng(_SEED).integers(0, len(values), (_RESAMPLES, len(values)))
    known = [one for rows in drawn if (one := auroc(values[rows], wanted[rows])) is not None]
    return [rounded(float(end)) for end in np.percentile(known, (2.5, 97.5))]
