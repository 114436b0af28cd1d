"""What the picture's own values are inside a region; never the windowed picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imaging.measures.counting import pairs_of
from imaging.measures.probability import Mask
from imaging.types import Volume

CT_RANGE = (-1000.0, 1000.0)
RASTER_RANGE = (0.0, 255.0)
OTHER_PERCENTILES = (0.5, 99.5)
_MOST_BINS = 1 << 16


@dataclass(frozen=True, slots=True)
class Described:
    """Numbers of one region in the volume's unit; `average` on the scale 0..255."""

    mean: float
    sd: float
    p10: float
    p50: float
    p90: float
    average: float | None


@dataclass(frozen=True, slots=True)
class Census:
    """How often each value occurs. values: float64 (V,), rising; counts: int64 (V,)."""

    values: NDArray[np.float64]
    counts: NDArray[np.int64]

    def percentile(self, percent: float) -> float:
        """Return the linear percentile (numpy's default) of a census that is not empty."""
        running = np.cumsum(self.counts)
        place = (int(running[-1]) - 1) * percent / 100
        below, above = np.searchsorted(running, [int(place), int(np.ceil(place))], side="right")
        low, high = float(self.values[below]), float(self.values[above])
        return low + (high - low) * (place - int(place))


def real_values(stored: Any, volume: Volume) -> Any:
    """Return stored · slope + intercept of a number or an array: HU for CT, else stored value."""
    if volume.slope == 1 and volume.intercept == 0:
        return stored
    return stored * np.float64(volume.slope) + np.float64(volume.intercept)


def finite_pixels(volume: Volume) -> Mask | None:
    """Return bool (Z, Y, X): neither padding nor NaN nor infinite; None when that is all."""
    array = volume.array
    valid = np.isfinite(array) if array.dtype.kind == "f" else None
    if volume.padding is not None:
        filled = array != volume.padding
        valid = filled if valid is None else valid & filled
    return None if valid is None or valid.all() else valid


def census_by_stop(
    stored: np.ndarray, stops: NDArray[np.integer], last: int, volume: Volume
) -> list[Census]:
    """Return for each stop 1…`last` the census of the stored values whose stop is not below it.

    `stored` and `stops` are (n,): a pixel with stop k belongs to the regions of
    stops 1…k. One pass over the pixels serves every threshold.
    """
    if stored.size == 0:
        nothing = Census(np.zeros(0), np.zeros(0, np.int64))
        return [nothing] * last
    low, high = stored.min(), stored.max()
    if stored.dtype.kind == "f" or int(high) - int(low) >= _MOST_BINS:
        return _by_sorting(stored, stops, last, volume)
    bins = int(high) - int(low) + 1
    table = pairs_of(stops, stored, last, int(low), bins)
    nested = table[::-1].cumsum(axis=0)[::-1]
    values = real_values(np.arange(int(low), int(high) + 1, dtype=np.float64), volume)
    return [_rising(values, nested[stop]) for stop in range(1, last + 1)]


def census(stored: np.ndarray, volume: Volume) -> Census:
    """Return the census of all of the stored values (any shape)."""
    flat = stored.ravel()
    return census_by_stop(flat, np.ones(flat.size, np.uint8), 1, volume)[0]


def intensity_range(volume: Volume, valid: Mask | None) -> tuple[float, float] | None:
    """Return (lo, hi), the values shown as 0 and 255; None without a valid pixel.

    8-bit raster 0..255; CT -1000..1000 HU; others the 0.5 and 99.5 percentiles
    of the valid pixels. Source: MEASURES §7.
    """
    if volume.raster and volume.array.dtype == np.uint8:
        return RASTER_RANGE
    if volume.modality.upper() == "CT" and volume.unit == "HU":
        return CT_RANGE
    stored = volume.array if valid is None else volume.array[valid]
    if not stored.size:
        return None
    if stored.dtype.kind == "f":  # partitioned, not sorted: no histogram of floats is exact
        ends = np.percentile(stored, OTHER_PERCENTILES)
        low, high = np.sort(real_values(ends.astype(np.float64), volume))
        return float(low), float(high)
    everything = census(stored, volume)
    low, high = (everything.percentile(percent) for percent in OTHER_PERCENTILES)
    return low, high


def described(taken: Census, scale: tuple[float, float] | None) -> Described | None:
    """Return mean, SD (ddof 0), linear percentiles and the average on 0..255; None when empty.

    average = mean of 255·clip((x - lo)/(hi - lo), 0, 1); None when hi = lo.
    Source: MEASURES §7.
    """
    total = int(taken.counts.sum())
    if total == 0:
        return None
    mean = float(taken.values @ taken.counts) / total
    sd = float(np.sqrt(((taken.values - mean) ** 2) @ taken.counts / total))
    average = None
    if scale is not None and scale[1] > scale[0]:
        grey = 255 * np.clip((taken.values - scale[0]) / (scale[1] - scale[0]), 0, 1)
        average = float(grey @ taken.counts) / total
    p10, p50, p90 = (taken.percentile(percent) for percent in (10, 50, 90))
    return Described(mean, sd, p10, p50, p90, average)


def _by_sorting(
    stored: np.ndarray, stops: NDArray[np.integer], last: int, volume: Volume
) -> list[Census]:
    order = np.argsort(stored)
    values = real_values(stored[order].astype(np.float64), volume)
    sorted_stops = stops[order]
    return [
        _rising(values[keep], np.ones(np.count_nonzero(keep), np.int64))
        for keep in (sorted_stops >= stop for stop in range(1, last + 1))
    ]


def _rising(values: NDArray[np.float64], counts: NDArray[np.int64]) -> Census:
    """Return the census with rising values: a negative slope turns their order."""
    if values.size > 1 and values[0] > values[-1]:
        return Census(values[::-1], counts[::-1])
    return Census(values, counts)
