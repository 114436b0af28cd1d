"""Windows that slide over a grid, blended by Gaussian weights; only one slab of them is held."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Literal

import numpy as np

from imaging.inference.grids import FloatArray

SIGMA = 0.125  # of a window's side
LEAST_WEIGHT = 1e-3
_NUMPY_MODES: dict[str, Literal["constant", "edge"]] = {"zeros": "constant", "edge": "edge"}
Predict = Callable[[FloatArray], FloatArray]
_Box = tuple[slice, ...]


def slide(
    item: FloatArray,
    roi: tuple[int, ...],
    overlap: float,
    at_once: int,
    predict: Predict,
    *,
    padding: str = "zeros",
) -> Iterator[tuple[int, FloatArray]]:
    """Yield (first plane, blended output (K, n, …)) of an item (C, *grid), plane by plane upwards.

    `predict` takes windows (N, C, *roi), at most `at_once` of them, and returns (N, K, *roi).
    What is yielded lies on the item's own grid; together the slabs cover it once. A grid smaller
    than a window is padded on both sides, with zeros or with its outermost values. Weights and
    places are those of MONAI's sliding_window_inference(mode="gaussian"), which holds the whole
    output where this holds a slab of one window's height.
    """
    padded, before = _padded(item, roi, padding)
    grid, weights = padded.shape[1:], gaussian(roi)
    first, *others = (starts(n, r, overlap) for n, r in zip(grid, roi, strict=True))
    inside = tuple(slice(b, b + n) for b, n in zip(before[1:], item.shape[2:], strict=True))
    sides = [[slice(s, s + r) for s in axis] for axis, r in zip(others, roi[1:], strict=True)]
    boxes, slab = list(product(*sides)), _Slab((roi[0], *grid[1:]))
    for here, after in zip(first, [*first[1:], grid[0]], strict=True):
        for some in _batches(boxes, at_once):
            plane = slice(here, here + roi[0])
            windows = np.stack([padded[(slice(None), plane, *box)] for box in some])
            for box, output in zip(some, predict(windows), strict=True):
                slab.add(box, output, weights)
        finished = slab.finish(after - here)
        low, high = max(here, before[0]), min(after, before[0] + item.shape[1])
        if low < high:
            kept = finished[(slice(None), slice(low - here, high - here), *inside)]
            yield low - before[0], np.ascontiguousarray(kept)


def starts(size: int, roi: int, overlap: float) -> list[int]:
    """Return where the windows of one axis begin; the last one ends with the axis."""
    step = max(1, int(roi * (1 - overlap)))
    return [*range(0, max(size - roi, 0), step), max(size - roi, 0)]


def gaussian(roi: tuple[int, ...]) -> FloatArray:
    """Return the weight of each pixel of a window, highest in its middle, above zero."""
    weights: FloatArray = np.ones((), dtype=np.float32)
    for side in roi:
        x = np.arange(side, dtype=np.float32) - np.float32((side - 1) / 2)
        weights = weights[..., None] * np.exp(x**2 / np.float32(-2 * (SIGMA * side) ** 2))
    return np.maximum(weights, max(float(weights.min()), LEAST_WEIGHT))


def _batches(boxes: Sequence[_Box], size: int) -> Iterator[Sequence[_Box]]:
    return (boxes[start : start + size] for start in range(0, len(boxes), size))


class _Slab:
    """The sums over all windows that reach a band of planes, one window high."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._share = np.zeros(shape, dtype=np.float32)
        self._total: FloatArray | None = None

    def add(self, box: _Box, output: FloatArray, weights: FloatArray) -> None:
        if self._total is None:
            self._total = np.zeros((len(output), *self._share.shape), dtype=np.float32)
        self._total[(slice(None), slice(None), *box)] += output * weights
        self._share[(slice(None), *box)] += weights

    def finish(self, planes: int) -> FloatArray:
        """Return the first `planes` as means and move the band up by as many."""
        assert self._total is not None  # every band holds a window
        done = self._total[:, :planes] / self._share[:planes]
        for sums in (*self._total, self._share):
            sums[: len(sums) - planes] = sums[planes:]
            sums[len(sums) - planes :] = 0
        return np.asarray(done)


def _padded(item: FloatArray, roi: tuple[int, ...], padding: str) -> tuple[FloatArray, list[int]]:
    """Return the item at least one window large, and how many planes stand before it by axis."""
    short = [max(r - n, 0) for r, n in zip(roi, item.shape[1:], strict=True)]
    before = [lack // 2 for lack in short]
    if not any(short):
        return item, before
    sides = [(b, lack - b) for b, lack in zip(before, short, strict=True)]
    mode = _NUMPY_MODES[padding]
    return np.pad(item, [(0, 0), *sides], mode=mode), before
