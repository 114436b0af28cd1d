"""Bring a mask with oblong pixels or voxels to square ones without roughening its outline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging.measures.probability import Mask

EQUAL_WITHIN = 0.01
SMOOTHING = 0.4  # of the coarsest spacing: pixel centres know the outline only to half a pixel
MOST_LOSS = 0.1


def is_isotropic(spacing: Sequence[float]) -> bool:
    """Return whether all spacings agree within 1 %."""
    return max(spacing) <= min(spacing) * (1 + EQUAL_WITHIN)


def to_isotropic(mask: Mask, spacing: Sequence[float]) -> Mask:
    """Return the mask on the finest of its spacings in every direction.

    The signed distance to the outline, lightly smoothed, is interpolated
    linearly and cut at 0; its first sample lies on a pixel centre. Where
    smoothing would change the size by over 10 %, as of a line one pixel wide,
    it is left out. Measured: discs at 1:1.2 to 1:5 have C = 0.98–1.02, balls
    Ψ = 0.99–1.00; without smoothing down to 0.92 and 0.96.

    `mask` is bool of any dimension with one spacing per axis, in any one unit;
    the answer is larger by a margin of background. Raises ValueError for
    spacings that are not positive. Source: MEASURES §8.
    """
    if min(spacing) <= 0:
        raise ValueError(f"Pixel spacing must be positive, not {tuple(spacing)}.")
    padded = np.pad(mask, 2)
    distance = ndimage.distance_transform_edt(padded, sampling=spacing).astype(np.float32)
    distance -= ndimage.distance_transform_edt(~padded, sampling=spacing).astype(np.float32)
    width = [SMOOTHING * max(spacing) / step for step in spacing]
    fine = _resampled(ndimage.gaussian_filter(distance, width), spacing)
    expected = np.count_nonzero(mask) * np.prod(spacing) / min(spacing) ** mask.ndim
    if abs(np.count_nonzero(fine) - expected) <= MOST_LOSS * expected:
        return fine
    return _resampled(distance, spacing)


def _resampled(distance: NDArray[np.float32], spacing: Sequence[float]) -> Mask:
    zoom = np.array([min(spacing) / step for step in spacing])
    shape = tuple(np.ceil(distance.shape / zoom).astype(int))
    fine = ndimage.affine_transform(distance, zoom, output_shape=shape, order=1, mode="nearest")
    return np.asarray(fine > 0)
