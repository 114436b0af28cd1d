"""A small picture of a volume for lists: at most 160 px and 12 KB."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from imaging.formats.png import encode_png
from imaging.formats.upright import hang
from imaging.formats.window import window_slice
from imaging.types import Volume

MAX_SIDE = 160
MAX_BYTES = 12_000

# tried in turn until the file is small enough: longest side in px, grey levels kept
_TRIES = ((MAX_SIDE, 256), (MAX_SIDE, 64), (144, 64), (128, 64), (112, 32), (96, 256))


def make_thumbnail(volume: Volume) -> bytes:
    """Return the middle slice under the first window as an 8-bit grey PNG.

    A volume whose sides are known is hung as people are used to; a single picture stays as it is.
    The last try is 96 px: 9,216 bytes of grey levels, which fit whatever they show.
    """
    grey = window_slice(volume, volume.array.shape[0] // 2)
    if volume.affine is not None and volume.array.shape[0] > 1:
        grey = np.ascontiguousarray(hang(grey, volume.affine))
    for side, kept in _TRIES:
        small = shrink(grey, side)
        png = encode_png(_coarse(small, kept), level=9)
        if len(png) <= MAX_BYTES:
            break
    return png


def shrink(grey: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return `grey` (Y, X) with no side longer than `side`, each new pixel the mean of its area."""
    height, width = grey.shape
    longest = max(height, width)
    if longest <= side:
        return grey
    rows = _edges(height, max(1, height * side // longest))
    columns = _edges(width, max(1, width * side // longest))
    bands = [grey[top:end].sum(axis=0, dtype=np.uint32) for top, end in pairwise(rows)]
    sums = np.add.reduceat(np.stack(bands), columns[:-1], axis=1)
    areas = np.diff(rows)[:, None] * np.diff(columns)[None, :]
    return ((sums + areas // 2) // areas).astype(np.uint8)


def _edges(length: int, parts: int) -> NDArray[np.intp]:
    return np.arange(parts + 1, dtype=np.intp) * length // parts


def _coarse(grey: NDArray[np.uint8], kept: int) -> NDArray[np.uint8]:
    """Keep so many grey levels, spread again over 0 to 255."""
    if kept == 256:
        return grey
    step = 256 // kept
    return (grey // step * (255 / (kept - 1)) + 0.5).astype(np.uint8)
