"""From one pixel grid to another: pixel-centre rule, area when shrinking, linear when enlarging."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def resize_image(array: FloatArray, size: Sequence[int]) -> FloatArray:
    """Resize a picture (Y, X) or volume (Z, Y, X) to `size`, axis by axis.

    An axis that shrinks is averaged by area, one that grows is read linearly at
    x_src = (x_dst + ½)·n_src/n_dst - ½. Float32 in and out. Source: MEASURES §2.
    """
    if array.shape == tuple(size):
        return array
    if array.ndim == 2:
        small = (min(array.shape[0], size[0]), min(array.shape[1], size[1]))
        return _cv2(_cv2(array, small, cv2.INTER_AREA), size, cv2.INTER_LINEAR)
    return _by_axis(array, size, area=True)


def resize_map(array: FloatArray, size: Sequence[int]) -> FloatArray:
    """Resize a probability map (Y, X) or (Z, Y, X) to `size`, linear on every axis."""
    if array.shape == tuple(size):
        return array
    if array.ndim == 2:
        return _cv2(array, size, cv2.INTER_LINEAR)
    return _by_axis(array, size, area=False)


def resample(
    array: FloatArray, size: Sequence[int], steps: Sequence[float], *, area: bool
) -> FloatArray:
    """Read a volume on a grid of `size` whose pixels are `steps` source pixels wide.

    Both grids begin at the same outer edge; beyond the last pixel its value goes on.
    """
    for axis, (count, step) in enumerate(zip(size, steps, strict=True)):
        weights = axis_weights(array.shape[axis], count, step, area=area)
        array = np.moveaxis(np.tensordot(weights, array, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(array, dtype=np.float32)


def axis_weights(source: int, target: int, step: float, *, area: bool) -> FloatArray:
    """Return the matrix (target, source), rows summing to one, that resamples one axis.

    `step` is the width of a target pixel in source pixels. With `area` and step > 1 a
    target pixel is the mean of what it covers, else linear between pixel centres.
    """
    if area and step > 1:
        low = np.arange(target)[:, None] * step
        cell = np.arange(source)[None, :]
        cover = np.minimum(low + step, cell + 1) - np.maximum(low, cell)
        weights = np.clip(cover, 0, None)
        empty = weights.sum(axis=1) <= 1e-9  # a target pixel beyond the last source pixel
        weights[empty, -1] = 1
        return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    centre = np.clip((np.arange(target) + 0.5) * step - 0.5, 0, source - 1)
    left = np.minimum(np.floor(centre).astype(int), max(source - 2, 0))
    weights = np.zeros((target, source), dtype=np.float32)
    rows = np.arange(target)
    weights[rows, left] = 1 - (centre - left)
    weights[rows, np.minimum(left + 1, source - 1)] += centre - left
    return weights


def _by_axis(array: FloatArray, size: Sequence[int], *, area: bool) -> FloatArray:
    steps = [have / want for have, want in zip(array.shape, size, strict=True)]
    return resample(array, size, steps, area=area)


def _cv2(plane: FloatArray, size: Sequence[int], how: int) -> FloatArray:
    if plane.shape == tuple(size):
        return plane
    height, width = size
    return np.asarray(cv2.resize(plane, (width, height), interpolation=how), dtype=np.float32)
