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
    height, width = plane.shape[0] + 2, plane.shape[1] + 2
    padded = np.zeros((height, width), dtype=bool)
    padded[1:-1, 1:-1] = plane
    line = _Bits(padded)  # row after row: a neighbour is a fixed number of bits away
    straight = line.changes(1) + line.changes(width)
    slant = line.changes(width - 1) + line.changes(width + 1)
    return pi / 8 * (straight + slant / sqrt(2))


def circularity(
    plane: Mask, spacing: tuple[float, float] = (1.0, 1.0), *, solid: bool = False
) -> float | None:
    """Return C = min(1, 4πA/P²) of one region, 0..1 without unit.

    Parameters
    ----------
    plane    bool (Y, X), one connected region; its holes are filled for A and P.
    spacing  (row, column) in any one unit; more than 1 % apart, the outline is
             resampled to the finer one first.
    solid    the region is known to have no hole: none is looked for.

    None below 12 px. Source: MEASURES §8.
    """
    filled = plane if solid else fill_holes(plane)
    px = np.count_nonzero(filled)
    if px < LEAST_PX:
        return None
    if not is_isotropic(spacing):
        filled = to_isotropic(filled, spacing)
        px = np.count_nonzero(filled)
    around = perimeter(filled)
    return min(1.0, 4 * pi * px / around**2) if around else None


def part_circularity(part: Part, spacing: tuple[float, float]) -> float | None:
    """Return C of a lesion; of a volume, C of its largest slice (the first of equals)."""
    mask = part.mask
    if len(mask) == 1:
        return circularity(mask[0], spacing, solid=part.solid)
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


class _Bits:
    """A bool array as one line of bits, 64 in a word: what is compared is an eighth as long."""

    def __init__(self, mask: Mask) -> None:
        packed = np.packbits(mask.ravel(), bitorder="little")
        self._words = np.zeros(-(-packed.size // 8), dtype="<u8")
        self._words.view(np.uint8)[: packed.size] = packed

    def changes(self, step: int) -> int:
        """Return how many bits differ from the one `step` further on; after the end all are 0."""
        words, (whole, rest) = self._words, divmod(step, 64)
        ahead = np.zeros(len(words) + 1, dtype=words.dtype)
        ahead[: max(0, len(words) - whole)] = words[whole:]
        if rest:
            ahead = (ahead[:-1] >> np.uint64(rest)) | (ahead[1:] << np.uint64(64 - rest))
        return int(np.bitwise_count(words ^ ahead[: len(words)]).sum(dtype=np.int64))
