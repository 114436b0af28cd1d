"""From probabilities to the stored map (0..255) and from the map to a mask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

from imaging.measures.threshold import LEVELS, threshold_level

__all__ = ["Map", "Mask", "mask_at", "quantise", "threshold_level"]

Map = NDArray[np.uint8]
Mask = NDArray[np.bool_]
_PIECE = 1 << 22  # pixels


def pieces(shape: Sequence[int]) -> Iterator[slice]:
    """Yield slices of the first axis, some million pixels each: a volume is never copied whole."""
    step = max(1, _PIECE // max(1, prod(shape[1:])))
    return (slice(start, start + step) for start in range(0, shape[0], step))


def quantise(probability: NDArray[np.floating]) -> Map:
    """Return q = floor(255 p + ½), uint8, of the same shape.

    `probability` has no unit and lies in 0..1; it is brought to float32 first.
    The cut of a level T lies at p = (T - ½)/255, within 0.002 of its threshold.
    Raises ValueError for NaN, infinity and values outside. Source: MEASURES §3.
    """
    values = np.asarray(probability, dtype=np.float32)
    if values.size and not (values.min() >= 0 and values.max() <= 1):  # NaN fails both
        raise ValueError(
            f"Probabilities lie in 0..1, not in {values.min():.4g}..{values.max():.4g}."
        )
    q = np.empty(values.shape, dtype=np.uint8)
    for piece in pieces(values.shape):
        q[piece] = values[piece] * np.float32(LEVELS) + np.float32(0.5)
    return q


def mask_at(q: Map, level: int) -> Mask:
    """Return the raw mask q >= level, specks included; level 1..255, of `threshold_level`."""
    if q.dtype != np.uint8:
        raise ValueError(f"A stored map is uint8, not {q.dtype}.")
    if not 1 <= level <= LEVELS:
        raise ValueError(f"A level lies in 1..255, not at {level}.")
    return np.asarray(q >= level)
