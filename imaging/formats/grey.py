"""One grey value for three colours: 0.299 R + 0.587 G + 0.114 B, rounded half up."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROWS = 256  # rows taken at once, so that a large picture is never held in 32 bits


def luminance(rgb: NDArray[Any]) -> NDArray[Any]:
    """Return the luminance (Y, X) of unsigned `rgb` (Y, X, 3), in the same type."""
    grey = np.empty(rgb.shape[:2], rgb.dtype.newbyteorder("="))
    for start in range(0, rgb.shape[0], _ROWS):
        red, green, blue = np.moveaxis(rgb[start : start + _ROWS].astype(np.uint32), -1, 0)
        grey[start : start + _ROWS] = (299 * red + 587 * green + 114 * blue + 500) // 1000
    return grey


def is_grey(rgb: NDArray[Any]) -> bool:
    """True if no pixel of `rgb` (Y, X, 3) has a colour."""
    return all(
        np.array_equal(rgb[start : start + _ROWS, :, 0], rgb[start : start + _ROWS, :, channel])
        for channel in (1, 2)
        for start in range(0, rgb.shape[0], _ROWS)
    )
