"""How round a region is: 4πA/P² with Crofton's perimeter in four directions."""

from __future__ import annotations

from collections.abc import Iterable
from math import pi, sqrt

import numpy as np

from imaging.measures.components import Part, fill_holes, planes_of
from imaging.measures.isotropic import is_isotropic, to_isotropic
from imaging.measures.probability import Mask

LEAST_PX = 12


def perimeter(plane: Mask) -> float:
    """Return the perimeter in pixels of a bool mask (Y, X); outside the array is background.

    P = (π/8)·(I₀ + I₉₀ + (I₄₅ + I₁₃₅)/√2), I the number of 0↔1 changes along
    all lines of one direction. Equals skimage's perimeter_crofton(directions=4).
    Source: Lehmann & Legland, Insight Journal 2012.
    """
    padded = np.pad(plane, 1)
    straight = _changes(padded[:, 1:], padded[:, :-1]) + _changes(padded[1:], padded[:-1])
    slant = _changes(padded[1:, 1:], padded[:-1, :-1]) + _changes(padded[1:, :-1], padded[:-1, 1:])
    return pi / 8 * (straight + slant / sqrt(2))


def circularity(plane: Mask, spacing: tuple[float, float] = (1.0, 1.0)) -> float | None:
    """Return C = min(1, 4πA/P²) of one region, 0..1 without unit.

    Parameters
    ----------
    plane    bool (Y, X), one connected region; its holes are filled for A and P.
    spacing  (row, column) in any one unit; more than 1 % apart, the outline is
             resampled to the finer one first.

    None below 12 px. Source: MEASURES §8.
    """
    filled = fill_holes(plane)
    if np.count_nonzero(filled) < LEAST_PX:
        return None
    if not is_isotropic(spacing):
        filled = to_isotropic(filled, spacing)
    around = perimeter(filled)
    return min(1.0, 4 * pi * np.count_nonzero(filled) / around**2) if around else None


def part_circularity(part: Part, spacing: tuple[float, float]) -> float | None:
    """Return C of a lesion; of a volume, C of its largest slice (the first of equals)."""
    mask = part.mask
    if len(mask) == 1:
        return circularity(mask[0], spacing)
    plane = mask[int(np.argmax(mask.sum(axis=(1, 2))))]
    pieces = [(int(piece.sum()), circularity(piece, spacing)) for piece in planes_of(plane)]
    return weighted(pieces)


def weighted(pieces: Iterable[tuple[int, float | None]]) -> float | None:
    """Return Σ a·C / Σ a over the (area, C) pairs that have a C; None when none has.

    Never one C of the union: two discs taken as one give 0.48. Source: MEASURES §8.
    """
    known = [(area, value) for area, value in pieces if value is not None]
    total = sum(area for area, _ in known)
    return sum(area * value for area, value in known) / total if total else None


def _changes(one: Mask, other: Mask) -> int:
    return int(np.count_nonzero(one != other))
