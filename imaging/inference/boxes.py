"""Boxes of a detector: overlap, suppression, and weighted fusion across members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SAME_BOX = 0.5  # IoU at which a member's lower box of one label is dropped
SAME_FINDING = 0.55  # IoU at which boxes of several members are one finding
FLOOR = 0.05  # scores below are not carried into the fusion

Boxes = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Found:
    """One box [x0, y0, x1, y1] in pixels of the image, half-open; `plane` is its slice."""

    label: str
    score: float
    box: tuple[float, float, float, float]
    plane: int = 0


@dataclass(frozen=True, slots=True)
class Fused:
    """One box of the ensemble; `scores` holds the best score of each member that drew it."""

    label: str
    score: float
    box: tuple[float, float, float, float]
    plane: int
    scores: dict[str, float] = field(default_factory=dict)


def iou(one: Boxes, others: Boxes) -> NDArray[np.float64]:
    """Return the overlap (N,) of one box (4,) with boxes (N, 4): intersection over union, 0..1."""
    others = np.asarray(others, dtype=np.float64).reshape(-1, 4)
    low, high = np.maximum(one[:2], others[:, :2]), np.minimum(one[2:], others[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    whole = _area(np.asarray(one, dtype=np.float64)[None]) + _area(others) - shared
    return np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)


def clipped(boxes: Boxes, height: int, width: int) -> tuple[Boxes, NDArray[np.bool_]]:
    """Return the boxes cut to the image, and which of them still hold something."""
    limits = np.array([width, height, width, height], dtype=np.float64)
    inside = np.clip(np.asarray(boxes, dtype=np.float64).reshape(-1, 4), 0, limits)
    return inside, (inside[:, 2] > inside[:, 0]) & (inside[:, 3] > inside[:, 1])


def suppressed(
    boxes: Boxes, scores: Sequence[float] | NDArray[np.float64], overlap: float = SAME_BOX
) -> list[int]:
    """Return which boxes of one label stay, best first: each drops the lower ones over it.

    Greedy non-maximum suppression at IoU > `overlap`; equal scores: the first stands.
    """
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    waiting = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    kept = []
    while waiting.size:
        best, waiting = int(waiting[0]), waiting[1:]
        kept.append(best)
        waiting = waiting[iou(boxes[best], boxes[waiting]) <= overlap]
    return kept


def fused(
    by_member: Mapping[str, Sequence[Found]],
    shares: Mapping[str, float],
    overlap: float = SAME_FINDING,
) -> list[Fused]:
    """Return the members' boxes joined, best first: weighted box fusion.

    By label and slice, in falling order of score, a box joins the cluster whose fused box it
    overlaps most, above `overlap`, or begins one. Corners are Σ s·w·box / Σ s·w, the score is
    Σ w·s of each member's best, where a member that drew nothing counts as 0. Shares are parts
    of their sum. The order of the members does not matter.
    Source: Solovyev, Wang, Gabruseva 2021. doi:10.1016/j.imavis.2021.104117; MEASURES §11
    """
    total = sum(shares[name] for name in by_member)
    drawn = [(one, name) for name in sorted(by_member) for one in by_member[name]]
    drawn.sort(key=lambda pair: (-pair[0].score, pair[0].box, pair[1]))
    clusters: list[_Cluster] = []
    for one, name in drawn:
        same = [c for c in clusters if (c.label, c.plane) == (one.label, one.plane)]
        near = iou(np.asarray(one.box), np.array([c.box for c in same])) if same else np.zeros(0)
        if near.size and near.max() > overlap:
            same[int(near.argmax())].add(one, name, shares[name] / total)
        else:
            clusters.append(_Cluster(one, name, shares[name] / total))
    joined = [cluster.fused() for cluster in clusters]
    return sorted(joined, key=lambda one: (-one.score, one.plane, one.box))


class _Cluster:
    """Boxes of one finding while they are being joined."""

    def __init__(self, first: Found, member: str, share: float) -> None:
        self.label, self.plane = first.label, first.plane
        self._corners, self._mass = np.zeros(4), 0.0
        self._best: dict[str, tuple[float, float]] = {}
        self.add(first, member, share)

    @property
    def box(self) -> NDArray[np.float64]:
        return np.asarray(self._corners / self._mass)

    def add(self, one: Found, member: str, share: float) -> None:
        mass = one.score * share
        self._corners += mass * np.asarray(one.box)
        self._mass += mass
        score = max(one.score, self._best.get(member, (0.0, 0.0))[0])
        self._best[member] = (score, share)

    def fused(self) -> Fused:
        x0, y0, x1, y1 = (float(value) for value in self.box)
        return Fused(
            label=self.label,
            score=sum(score * share for score, share in self._best.values()),
            box=(x0, y0, x1, y1),
            plane=self.plane,
            scores={member: score for member, (score, _share) in self._best.items()},
        )


def _area(boxes: Boxes) -> NDArray[np.float64]:
    return np.asarray(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1))
