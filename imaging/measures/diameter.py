"""How far across a lesion is: equivalent and maximum diameter."""

from __future__ import annotations

from math import pi, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.distance import cdist

from imaging.measures.probability import Mask

_MANY_CORNERS = 4000
_ROWS_AT_ONCE = 512


def equivalent_diameter(px: int, sides: tuple[float, float, float], *, solid: bool) -> float:
    """Return the diameter of the disc (or ball, when `solid`) of the same size.

    2√(A/π) or 2·∛(3V/4π), in the unit of the voxel's `sides` (z, y, x). Source: MEASURES §6.
    """
    if solid:
        return 2 * (3 * px * sides[0] * sides[1] * sides[2] / (4 * pi)) ** (1 / 3)
    return 2 * sqrt(px * sides[1] * sides[2] / pi)


def maximum_diameter(mask: Mask, sides: tuple[float, float, float]) -> float | None:
    """Return the largest distance between two pixel centres of a bool mask (Z, Y, X).

    In the unit of `sides` (z, y, x); None for a single pixel. Source: MEASURES §6.
    """
    if np.count_nonzero(mask) < 2:
        return None
    corners = _corners(mask) * np.asarray(sides)
    if len(corners) > _MANY_CORNERS:
        corners = corners[ConvexHull(corners).vertices]
    longest = (
        cdist(corners[at : at + _ROWS_AT_ONCE], corners[at:]).max()
        for at in range(0, len(corners), _ROWS_AT_ONCE)
    )
    return float(max(longest))


def _corners(mask: Mask) -> NDArray[np.float64]:
    """Return the convex hull's corners of every slice as (z, y, x); the farthest pair is there."""
    found = []
    for z in np.flatnonzero(mask.any(axis=(1, 2))):
        plane = np.ascontiguousarray(mask[z]).view(np.uint8)
        outlines, _ = cv2.findContours(plane, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        xy = cv2.convexHull(np.concatenate(outlines))[:, 0]
        found.append(np.column_stack([np.full(len(xy), z), xy[:, 1], xy[:, 0]]))
    return np.concatenate(found).astype(np.float64)
