"""How well boxes frame what was marked: average precision and FROC, as COCO counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RECALLS = np.linspace(0, 1, 101)
OVERLAPS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
MOST_BOXES = 100
FALSE_PER_IMAGE = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One box of one label with its score."""

    score: float
    box: Box


def average_precision(
    drawn: Mapping[str, Sequence[Drawn]], wanted: Mapping[str, Sequence[Box]], overlap: float = 0.5
) -> float | None:
    """Return the 101-point average precision of one label over images by name, 0..1.

    Boxes are matched greedily by falling score at IoU >= `overlap`, each reference once, at most
    100 an image. None where no image has a reference box. Source: COCO; MEASURES §11.
    """
    hits, total, _images = _matched(drawn, wanted, overlap)
    if not total:
        return None
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1] if len(hits) else precision
    recall = found / total
    at = np.searchsorted(recall, RECALLS - 1e-9, side="left")
    return float(np.mean([envelope[i] if i < len(envelope) else 0.0 for i in at]))


def mean_average_precision(
    drawn: Mapping[str, Sequence[Drawn]], wanted: Mapping[str, Sequence[Box]]
) -> float | None:
    """Return the mean of the average precisions at IoU .50, .55 … .95; None without reference."""
    found = [average_precision(drawn, wanted, overlap) for overlap in OVERLAPS]
    known = [value for value in found if value is not None]
    return float(np.mean(known)) if known else None


def froc(
    drawn: Mapping[str, Sequence[Drawn]], wanted: Mapping[str, Sequence[Box]], overlap: float = 0.5
) -> dict[str, float] | None:
    """Return the sensitivity at 1/8, 1/4 … 8 false boxes an image; None without reference."""
    hits, total, images = _matched(drawn, wanted, overlap)
    if not total:
        return None
    found, wrong = np.cumsum(hits), np.cumsum(~hits) / images
    return {
        f"{most:g}": float(found[wrong <= most].max() / total) if (wrong <= most).any() else 0.0
        for most in FALSE_PER_IMAGE
    }


def _matched(
    drawn: Mapping[str, Sequence[Drawn]], wanted: Mapping[str, Sequence[Box]], overlap: float
) -> tuple[NDArray[np.bool_], int, int]:
    """Return hit or not for every box by falling score, how many references, how many images."""
    images = sorted(drawn.keys() | wanted.keys())
    scored: list[tuple[float, bool]] = []
    for image in images:
        open_ = list(wanted.get(image, ()))
        best = sorted(drawn.get(image, ()), key=lambda one: -one.score)[:MOST_BOXES]
        for one in best:
            overlaps = [_iou(one.box, other) for other in open_]
            hit = bool(overlaps) and max(overlaps) >= overlap
            if hit:
                open_.pop(int(np.argmax(overlaps)))
            scored.append((one.score, hit))
    scored.sort(key=lambda pair: -pair[0])
    total = sum(len(boxes) for boxes in wanted.values())
    return np.array([hit for _score, hit in scored], dtype=bool), total, max(len(images), 1)


def _iou(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    whole = _area(one) + _area(other) - shared
    return shared / whole if whole > 0 else 0.0


def _area(box: Box) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)
