"""Carries a radiograph to the network's grid and its probability map back."""

from __future__ import annotations

import cv2
import numpy as np


def to_network(image: np.ndarray, size: int, percentiles: tuple[float, float]) -> np.ndarray:
    """Resize (Y, X) to (size, size) and scale the intensity: float32 in 0–1."""
    return scale_percentiles(resize_image(image.astype(np.float32), size), percentiles)


def resize_image(image: np.ndarray, size: int) -> np.ndarray:
    """Stretch (Y, X) to (size, size): area when shrinking, linear when enlarging (MEASURES §2)."""
    shrinks = image.shape[0] >= size and image.shape[1] >= size
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, (size, size), interpolation=method)


def scale_percentiles(image: np.ndarray, percentiles: tuple[float, float]) -> np.ndarray:
    """Clip to two percentiles of the array itself and scale to 0–1; a flat image becomes 0."""
    low, high = np.percentile(image, percentiles)
    if high <= low:
        return np.zeros_like(image, dtype=np.float32)
    return np.clip((image - low) / (high - low), 0, 1).astype(np.float32)


def to_image(probability: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Bring a probability map (Y, X) back to the image's own grid, linearly."""
    return cv2.resize(probability, shape[::-1], interpolation=cv2.INTER_LINEAR)


def quantise(probability: np.ndarray) -> np.ndarray:
    """Store 0–1 as uint8 by q = ⌊255·p + ½⌋ (MEASURES §3)."""
    return np.floor(255 * probability.astype(np.float32) + np.float32(0.5)).astype(np.uint8)
