"""Carries a radiograph to the network's grid by the platform's own steps (MEASURES §2)."""

from __future__ import annotations

import numpy as np

from imaging.inference.grids import resize_image
from imaging.inference.intensity import apply_intensity


def to_network(image: np.ndarray, size: int, percentiles: tuple[float, float]) -> np.ndarray:
    """Resize (Y, X) to (size, size) and scale the intensity: float32 in 0–1."""
    return scale_percentiles(resize_image(image.astype(np.float32), (size, size)), percentiles)


def scale_percentiles(image: np.ndarray, percentiles: tuple[float, float]) -> np.ndarray:
    """Clip to two percentiles of the array itself and scale to 0–1; a flat image becomes 0."""
    step = {"op": "percentile", "low": percentiles[0], "high": percentiles[1]}
    return apply_intensity(image[None], [step], normalize=True, eight_bit=False)[0]
