"""How a lesion stands out from what lies around it: ratio and z, for every threshold at once."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from imaging.measures.counting import pairs_of
from imaging.measures.intensity import real_values
from imaging.measures.probability import Map, Mask
from imaging.types import Volume

MARGIN_PX = 5
LEAST_PX = 100
_NOTHING = 1e-6  # of the larger of mean and SD: what rounding leaves of a zero


class Background(NamedTuple):
    """B, the denominator's region without the lesions and a margin: pixels, mean, SD."""

    px: int
    mean: float
    sd: float


def grow(stops: Map) -> Map:
    """Return the map of stops grown by 5 px in each slice, and by one slice up and down.

    `stops` is uint8 (Z, Y, X); as the regions are nested, growing the numbers
    once grows the mask of every stop.
    """
    side = np.arange(-MARGIN_PX, MARGIN_PX + 1)
    disc = (side[:, None] ** 2 + side[None] ** 2 <= MARGIN_PX**2).astype(np.uint8)
    grown = np.stack([cv2.dilate(plane, disc) if plane.any() else plane for plane in stops])
    if len(grown) == 1:
        return grown
    padded = np.pad(grown, ((1, 1), (0, 0), (0, 0)))
    return np.maximum(np.maximum(padded[:-2], padded[2:]), grown)


def backgrounds(
    volume: Volume, stops: Map, last: int, region: Mask | None, valid: Mask | None
) -> list[Background]:
    """Return B for each stop 1…`last`: R without M grown by 5 px, padding left out.

    `stops` is uint8 (Z, Y, X): the highest stop whose lesions hold the pixel.
    Numbers in the volume's unit, SD with ddof 0. Source: MEASURES §7.
    """
    grown = grow(stops)
    sums = np.zeros((3, last + 1))
    for z, plane in enumerate(volume.array):  # slice by slice: a volume is held once only
        inside = _both(None if region is None else region[z], None if valid is None else valid[z])
        around = grown[z].ravel() if inside is None else grown[z][inside]
        stored = plane.ravel() if inside is None else plane[inside]
        if stored.size:
            sums += _sums(around, stored, last, volume)
    running = sums.cumsum(axis=1)
    return [_background(*running[:, stop - 1]) for stop in range(1, last + 1)]


def _sums(around: Map, stored: np.ndarray, last: int, volume: Volume) -> NDArray[np.float64]:
    """Return n, Σx and Σx² of the real values by stop 0…`last`, (3, last + 1)."""
    low, high = stored.min(), stored.max()
    bins = 0 if stored.dtype.kind == "f" else int(high) - int(low) + 1
    if not 0 < bins * (last + 1) <= stored.size:  # a table of all values would be the longer way
        x = np.asarray(real_values(stored, volume), dtype=np.float64)
        return np.stack(
            [np.bincount(around, weights=w, minlength=last + 1) for w in (None, x, x * x)]
        )
    x = real_values(np.arange(int(low), int(high) + 1, dtype=np.float64), volume)
    table = pairs_of(around, stored, last, int(low), bins)
    return (table @ np.column_stack([np.ones_like(x), x, x * x])).T


def contrast(mean: float, behind: Background) -> tuple[float | None, float | None, str, str]:
    """Return (ratio, z, why no ratio, why no z) of a lesion mean against its background.

    ratio = mean/mean_B, z = (mean - mean_B)/SD_B, both without unit; None
    where B has under 100 px or the divisor is about 0. Source: MEASURES §7.
    """
    if behind.px < LEAST_PX:
        why = f"Only {behind.px} pixels of background are left to compare with."
        return None, None, why, why
    tiny = _NOTHING * max(abs(behind.mean), behind.sd, abs(mean), 1e-300)
    ratio = mean / behind.mean if abs(behind.mean) > tiny else None
    z = (mean - behind.mean) / behind.sd if behind.sd > tiny else None
    return (
        ratio,
        z,
        "" if ratio is not None else "The background's mean is zero.",
        "" if z is not None else "The background has one value only.",
    )


def _background(n: float, total: float, squares: float) -> Background:
    if n == 0:
        return Background(0, 0.0, 0.0)
    mean = float(total / n)
    return Background(int(n), mean, sqrt(max(0.0, float(squares / n) - mean**2)))


def _both(one: Mask | None, other: Mask | None) -> Mask | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other
