"""What a model declares to be done to its probability maps, on its own grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging.inference.grids import FloatArray
from imaging.inference.metadata import ModelMetadata
from imaging.measures.components import fill_holes as filled_plane
from imaging.measures.threshold import LEVELS, threshold_level

ISLAND = 0.05
Mask = NDArray[np.bool_]


def postprocess(maps: FloatArray, metadata: ModelMetadata) -> FloatArray:
    """Return one finding's probability maps (B, *content) after the declared steps, in order.

    Each of the B maps stands alone: a slice of a 2-D network, a volume of a 3-D network.
    """
    for step in metadata.postprocess:
        maps = np.stack([_apply(step, one, metadata.threshold) for one in maps])
    return maps


def _apply(step: Mapping[str, Any], p: FloatArray, threshold: float) -> FloatArray:
    if step["op"] == "largest_components":
        return largest_components(p, threshold, step["count"])
    return fill_holes(p, threshold)


def largest_components(p: FloatArray, threshold: float, count: int) -> FloatArray:
    """Keep the `count` largest components of p >= threshold (8- or 26-connected) and drop the rest.

    Dropping a component zeroes the whole island of p >= 0.05 around it, unless a kept component
    stands on the same island: then only the component itself. Ties of size: the first one stays.
    """
    parts, number = label(p >= np.float32(threshold))
    if number <= count:
        return p
    sizes = np.bincount(parts.ravel(), minlength=number + 1)[1:]
    kept = np.argsort(-sizes, kind="stable")[:count] + 1
    is_kept = np.zeros(number + 1, dtype=bool)
    is_kept[kept] = True
    islands, n_islands = label(p >= np.float32(min(ISLAND, threshold)))
    dropped = (parts > 0) & ~is_kept[parts]
    doomed = np.zeros(n_islands + 1, dtype=bool)
    doomed[islands[dropped]] = True
    doomed[islands[is_kept[parts]]] = False
    return np.where(dropped | doomed[islands], np.float32(0), p)


def fill_holes(p: FloatArray, threshold: float) -> FloatArray:
    """Raise p to the threshold in the holes of p >= threshold: what no 4- (6-)path leads out of.

    The value is the first that is stored as inside, T/255: p = 0.35 itself would be stored as 89,
    one below T.
    """
    mask = p >= np.float32(threshold)
    filled = filled_plane(mask) if mask.ndim == 2 else ndimage.binary_fill_holes(mask)
    holes = filled & ~mask
    inside = np.float32(threshold_level(threshold) / LEVELS)
    return np.where(holes, np.maximum(p, inside), p)


def label(mask: Mask) -> tuple[NDArray[np.int32], int]:
    """Return components 1…n of a mask (Y, X), 8-connected, or (Z, Y, X), 26-connected, and n."""
    if mask.ndim == 2:
        number, parts = cv2.connectedComponents(
            np.ascontiguousarray(mask).view(np.uint8), connectivity=8
        )
        return np.asarray(parts, dtype=np.int32), number - 1
    parts, number = ndimage.label(mask, structure=np.ones((3,) * mask.ndim, dtype=bool))
    return parts, number
