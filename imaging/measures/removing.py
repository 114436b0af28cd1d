"""A map without some of its lesions, as a reader removed them one by one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from imaging.measures.components import split
from imaging.measures.probability import Map
from imaging.measures.stops import in_order


def without(q: Map, level: int, sizes: Sequence[int], removed: Collection[int]) -> Map:
    """Return a copy of `q`, uint8 (Z, Y, X), that is 0 in the lesions `removed` (1: the largest).

    `sizes` are the pixels of every lesion listed at `level`, in their order: they say what was
    a speck then, and that the map is still the one that they were counted on.
    Raises ValueError when the map holds other lesions, or one is removed that is not there.
    """
    if not sizes:
        raise ValueError("This map has no region to remove.")
    parts = in_order(split(q, level, min(sizes)).parts)
    if [part.px for part in parts] != list(sizes):
        raise ValueError("The regions of the stored map are not those that are listed.")
    left = q.copy()
    for number in removed:
        if not 1 <= number <= len(parts):
            raise ValueError(f"There is no region L{number}.")
        part = parts[number - 1]
        left[part.box][part.mask] = 0
    return left
