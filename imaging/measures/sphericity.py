"""How close to a ball a region of a volume is: π^⅓(6V)^⅔/S with Crofton's surface."""

from __future__ import annotations

from itertools import product
from math import ceil, pi, sqrt

import numpy as np
from scipy import ndimage

from imaging.measures.isotropic import is_isotropic, to_isotropic
from imaging.measures.probability import Mask

LEAST_VOXELS = 100
MOST_CUBES = 1_000_000  # a larger lesion of oblong voxels is read on coarser cubes
_WEIGHTS = {1: 0.091556, 2: 0.073961, 3: 0.070391}  # by squared step length, of 13 directions


def surface(mask: Mask) -> float:
    """Return the surface, in squared voxel sides, of a bool mask (Z, Y, X) of cubes.

    S = 2 Σ w_k I_k / L_k over 13 directions: I_k changes along direction k,
    lines L_k apart by voxel length 1, √2, √3. Outside the array is background.
    Source: Lehmann & Legland, Insight Journal 2012; MEASURES §8.
    """
    padded = np.pad(mask, 1)
    total = 0.0
    for step in _directions():
        squared = sum(abs(s) for s in step)
        ahead = padded[tuple(slice(max(s, 0), min(s, 0) or None) for s in step)]
        behind = padded[tuple(slice(max(-s, 0), min(-s, 0) or None) for s in step)]
        total += _WEIGHTS[squared] * int(np.count_nonzero(ahead != behind)) / sqrt(squared)
    return 2 * total


def sphericity(mask: Mask, spacing_mm: tuple[float, float, float]) -> float | None:
    """Return Ψ = min(1, π^⅓ (6V)^⅔ / S) of one region, 0..1 without unit.

    `mask` is bool (Z, Y, X), `spacing_mm` its voxel sides; oblong voxels are
    resampled to cubes first. None below 100 voxels. Source: IBSI 2020; MEASURES §8.
    """
    if np.count_nonzero(mask) < LEAST_VOXELS:
        return None
    cubes = mask if is_isotropic(spacing_mm) else _cubes(mask, spacing_mm)
    area = surface(cubes)
    volume = np.count_nonzero(cubes)
    return min(1.0, pi ** (1 / 3) * (6 * volume) ** (2 / 3) / area) if area else None


def _cubes(mask: Mask, spacing: tuple[float, float, float]) -> Mask:
    """Return the mask on cubes of the finest spacing, coarser where that would be too many."""
    cubes = mask.size * np.prod([step / min(spacing) for step in spacing])
    side = min(spacing) * max(1.0, float(cubes / MOST_CUBES) ** (1 / 3))
    factors = [max(1, ceil(side / step - 1e-9)) for step in spacing]
    if max(factors) == 1:
        return to_isotropic(mask, spacing)
    coarse = tuple(step * factor for step, factor in zip(spacing, factors, strict=True))
    return to_isotropic(_thin(mask, factors), coarse)


def _thin(mask: Mask, factors: list[int]) -> Mask:
    """Return one voxel for every block of `factors`: full where half of the block is."""
    short = [-n % factor for n, factor in zip(mask.shape, factors, strict=True)]
    padded = np.pad(mask, [(0, n) for n in short]).astype(np.float32)
    for axis, factor in enumerate(factors):
        padded = ndimage.uniform_filter1d(padded, factor, axis, mode="constant", origin=0)
        padded = padded.take(range(factor // 2, padded.shape[axis], factor), axis)
    return np.asarray(padded >= 0.5 - 1e-6)


def _directions() -> list[tuple[int, ...]]:
    """Return the 13 steps to half of a voxel's 26 neighbours."""
    return [step for step in product((-1, 0, 1), repeat=3) if step > (0, 0, 0)]
