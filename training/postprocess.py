"""Cleans a probability map as the metadata key `postprocess` declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from scipy import ndimage

ISLAND_FLOOR = 0.05


def postprocess(
    probability: np.ndarray, steps: Sequence[Mapping[str, Any]], threshold: float
) -> np.ndarray:
    """Apply the declared steps in order to one finding's map (Y, X) float32; the input is kept."""
    for step in steps:
        if step["op"] == "largest_components":
            probability = keep_largest(probability, int(step["count"]), threshold)
        elif step["op"] == "fill_holes":
            probability = fill_holes(probability, threshold)
        else:
            raise ValueError(f"there is no postprocess step named {step['op']!r}")
    return probability


def keep_largest(probability: np.ndarray, count: int, threshold: float) -> np.ndarray:
    """Zero all 8-connected components but the `count` largest, with the faint island about each.

    An island that also holds a kept component stays; only the dropped component in it goes.
    """
    mask = (probability >= threshold).astype(np.uint8)
    found, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if found - 1 <= count:
        return probability
    order = 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable")
    kept, dropped = np.isin(labels, order[:count]), np.isin(labels, order[count:])
    faint = (probability >= ISLAND_FLOOR).astype(np.uint8)
    _, islands = cv2.connectedComponents(faint, connectivity=8)
    lost = np.setdiff1d(islands[dropped], islands[kept])
    return np.where(dropped | np.isin(islands, lost), np.float32(0), probability)


def fill_holes(probability: np.ndarray, threshold: float) -> np.ndarray:
    """Raise what the mask encloses to the threshold."""
    mask = probability >= threshold
    holes = ndimage.binary_fill_holes(mask) & ~mask
    return np.where(holes, np.float32(threshold), probability)
