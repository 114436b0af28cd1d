"""Grey levels for the eye: the linear window of DICOM, and a first window for any volume."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imaging.types import Volume

CT_WINDOW = (40.0, 400.0)  # soft tissue, HU
LOW_PERCENT, HIGH_PERCENT = 1.0, 99.0

_BLOCK = 1 << 20  # values taken at once, so that a large volume is never copied whole
_FLOAT_BINS = 1 << 16


@dataclass(frozen=True, slots=True)
class Levels:
    """Real values (stored * slope + intercept) of a volume, padding left out."""

    minimum: float
    maximum: float
    low: float
    high: float


def apply_window(values: NDArray[Any], center: float, width: float) -> NDArray[np.uint8]:
    """Return real `values` as 8-bit grey, any shape.

    Source: DICOM PS3.3 C.11.2.1.2.1 (LINEAR) with an output of 0 to 255, rounded half up.
    Raises ValueError unless center and width are finite and width >= 1e-12.
    """
    if not (math.isfinite(center) and math.isfinite(width) and width >= 1e-12):
        raise ValueError(f"a window needs a center and a positive width, not {center}, {width}")
    middle = center - 0.5
    if width <= 1:
        return np.where(values > middle, np.uint8(255), np.uint8(0))
    grey = (values - middle) * (255 / (width - 1)) + 128.0
    return np.clip(np.floor(grey), 0, 255).astype(np.uint8)


def window_slice(volume: Volume, index: int = 0) -> NDArray[np.uint8]:
    """Return slice `index` as 8-bit grey (Y, X) under the volume's first window."""
    return windowed(volume.array[index], volume.slope, volume.intercept, default_window(volume))


def windowed(
    stored: NDArray[Any], slope: float, intercept: float, window: tuple[float, float]
) -> NDArray[np.uint8]:
    """Return stored values (Y, X) as 8-bit grey under `window`, (center, width) in real values."""

    def grey_of(values: NDArray[Any]) -> NDArray[np.uint8]:
        return apply_window(values.astype(np.float64) * slope + intercept, *window)

    if stored.dtype.itemsize > 2:
        rows = [grey_of(row) for row in stored]
        return np.stack(rows)
    # so few different values that each is windowed once and then looked up
    unsigned = np.dtype(f"u{stored.dtype.itemsize}")
    every = np.arange(2 ** (8 * unsigned.itemsize), dtype=unsigned).view(stored.dtype)
    return grey_of(every)[stored.view(unsigned)]


def default_window(volume: Volume) -> tuple[float, float]:
    """Return (center, width) in real values: the file's own, CT 40/400, else P1 to P99."""
    if volume.window is not None:
        return volume.window
    if volume.modality == "CT" and volume.unit == "HU":
        return CT_WINDOW
    return window_between(*_span(levels(volume)))


def window_between(low: float, high: float) -> tuple[float, float]:
    """Return the window under which `low` becomes 0 and `high` becomes 255."""
    return (low + high) / 2 + 0.5, high - low + 1


def levels(volume: Volume) -> Levels:
    """Return minimum, maximum, P1 and P99 by histogram; all zero when nothing is valid.

    Integers are exact up to 16 bits. Wider types fall into 65,536 bins between minimum and
    maximum, so that P1 and P99 are right to 1/65,536 of the range.
    """
    extent = _extent(volume)
    if extent is None:
        return Levels(0.0, 0.0, 0.0, 0.0)
    lowest, highest = extent
    low, high = _percentiles(volume, lowest, highest)
    ends = [value * volume.slope + volume.intercept for value in (lowest, highest, low, high)]
    if volume.slope < 0:
        ends = [ends[1], ends[0], ends[3], ends[2]]
    return Levels(*ends)


def _span(found: Levels) -> tuple[float, float]:
    """P1 and P99, or the whole range where nearly all values are one."""
    if found.high > found.low:
        return found.low, found.high
    return found.minimum, max(found.maximum, found.minimum)


def _extent(volume: Volume) -> tuple[float, float] | None:
    ends = [(block.min(), block.max()) for block in _valid_blocks(volume) if block.size]
    if not ends:
        return None
    return float(min(low for low, _ in ends)), float(max(high for _, high in ends))


def _percentiles(volume: Volume, lowest: float, highest: float) -> tuple[float, float]:
    span = highest - lowest
    exact = volume.array.dtype.kind in "iu" and span < _FLOAT_BINS
    bins = int(span) + 1 if exact else _FLOAT_BINS
    scale = 1.0 if exact or span == 0 else (bins - 1) / span
    counts = np.zeros(bins, np.int64)
    for block in _valid_blocks(volume):
        place = (block.astype(np.float64) - lowest) * scale
        counts += np.bincount(place.astype(np.int64), minlength=bins)
    below = np.cumsum(counts)
    wanted = [below[-1] * percent / 100 for percent in (LOW_PERCENT, HIGH_PERCENT)]
    low, high = (lowest + np.searchsorted(below, part) / scale for part in wanted)
    return float(low), float(high)


def _valid_blocks(volume: Volume) -> Iterator[NDArray[Any]]:
    """Yield flat parts of the stored values without padding and without non-finite numbers."""
    flat = volume.array.reshape(-1)
    for start in range(0, flat.size, _BLOCK):
        block = flat[start : start + _BLOCK]
        if volume.padding is not None:
            block = block[block != volume.padding]
        if block.dtype.kind == "f":
            block = block[np.isfinite(block)]
        yield block
