"""Sensitivity ranges: how the area moves with the threshold and with one pixel of outline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from imaging.measures.probability import Mask
from imaging.measures.threshold import threshold_level

STEP = 0.1


def around(threshold: float) -> tuple[float, ...]:
    """Return t - 0.1 and t + 0.1, as far as they are thresholds."""
    both = (round(threshold - STEP, 10), round(threshold + STEP, 10))
    return tuple(t for t in both if 0 < t <= 1)


def sensitivity_ranges(
    threshold: float, px_at: Mapping[int, int], mask: Mask, region: Mask | None
) -> dict[str, Any]:
    """Return the area in pixels at t ± 0.1, and eroded and dilated by one pixel in each slice.

    `px_at` gives the area by level, `mask` is the lesions at t, bool (Z, Y, X),
    `region` the denominator's mask or None for all. Never a confidence
    interval. Source: MEASURES §4, bands.
    """
    return {
        "thresholds": [{"t": t, "area_px": px_at[threshold_level(t)]} for t in around(threshold)],
        "eroded_px": _px(mask, region, cv2.MORPH_ERODE),
        "dilated_px": _px(mask, region, cv2.MORPH_DILATE),
    }


def _px(mask: Mask, region: Mask | None, operation: int) -> int:
    """Count the changed mask inside the region; the picture's edge neither adds nor takes."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    total = 0
    for z, plane in enumerate(mask):
        changed = cv2.morphologyEx(plane.view(np.uint8), operation, cross) > 0
        total += int(np.count_nonzero(changed if region is None else changed & region[z]))
    return total
