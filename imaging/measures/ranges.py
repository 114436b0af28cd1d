"""Sensitivity ranges: how the area moves with the threshold and with one pixel of outline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from imaging.measures.probability import Mask
from imaging.measures.size import area_hundredths, area_text
from imaging.measures.threshold import threshold_level

STEP = 0.1


def around(threshold: float) -> tuple[float, ...]:
    """Return t - 0.1 and t + 0.1, as far as they are thresholds."""
    both = (round(threshold - STEP, 10), round(threshold + STEP, 10))
    return tuple(t for t in both if 0 < t <= 1)


def sensitivity_ranges(
    threshold: float,
    px_at: Mapping[int, int],
    mask: Mask,
    region: Mask | None,
    reference_px: int,
) -> dict[str, Any]:
    """Return the area at t ± 0.1, and eroded and dilated by one pixel in each slice.

    `px_at` gives the area in pixels by level, `mask` is the lesions at t, bool
    (Z, Y, X), `region` the denominator's mask or None for all, `reference_px`
    its size. Each area comes in pixels and as it is printed. Never a confidence
    interval. Source: MEASURES §4, bands.
    """
    eroded, dilated = (_px(mask, region, way) for way in (cv2.MORPH_ERODE, cv2.MORPH_DILATE))

    def text(px: int) -> str:
        return area_text(area_hundredths(px, reference_px), px)

    return {
        "thresholds": [
            {"t": t, "area_px": px, "area_text": text(px)}
            for t, px in ((t, px_at[threshold_level(t)]) for t in around(threshold))
        ],
        "eroded_px": eroded,
        "eroded_text": text(eroded),
        "dilated_px": dilated,
        "dilated_text": text(dilated),
    }


def _px(mask: Mask, region: Mask | None, operation: int) -> int:
    """Count the changed mask inside the region; the picture's edge neither adds nor takes."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    total = 0
    for z, plane in enumerate(mask):
        changed = cv2.morphologyEx(plane.view(np.uint8), operation, cross) > 0
        total += int(np.count_nonzero(changed if region is None else changed & region[z]))
    return total
