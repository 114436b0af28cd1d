"""Shapes with known sizes and the smallest valid images to measure them on."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from imaging.types import Volume


def picture(shape=(64, 64), value=100, **more) -> Volume:
    """An 8-bit raster of one value, of unknown modality."""
    array = np.full((1, *shape), value, dtype=np.uint8)
    return Volume(**{"array": array, "raster": True, **more})


def calibrated(array, spacing=(1.0, 1.0, 1.0), **more) -> Volume:
    """An image with millimetres on all three axes and an affine to match."""
    z, y, x = spacing
    affine = ((x, 0.0, 0.0, 0.0), (0.0, y, 0.0, 0.0), (0.0, 0.0, z, 0.0), (0.0, 0.0, 0.0, 1.0))
    return Volume(
        **{
            "array": array,
            "spacing_mm": spacing,
            "spacing_kind": "calibrated",
            "affine": affine,
            **more,
        }
    )


def box_mask(shape, *corners) -> np.ndarray:
    """A bool mask with a filled box from the first corner up to the second, half-open."""
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(slice(a, b) for a, b in zip(*corners, strict=True))] = True
    return mask


def ellipsoid(shape, centre, radii, spacing=None) -> np.ndarray:
    """A bool disc, ellipse or ball: pixels whose centre lies within `radii` of `centre`.

    Everything is in the unit of `spacing`; without it, in pixels.
    """
    steps = spacing or (1.0,) * len(shape)
    axes = np.ogrid[tuple(slice(n) for n in shape)]
    parts = zip(axes, centre, radii, steps, strict=True)
    return sum(((a * s - c) / r) ** 2 for a, c, r, s in parts) <= 1


def map_of(mask, value=255) -> np.ndarray:
    """The stored map, (Z, Y, X), of a mask (Y, X) or (Z, Y, X)."""
    q = np.where(mask, np.uint8(value), np.uint8(0)).astype(np.uint8)
    return q if q.ndim == 3 else q[None]


def hills(seed, shape=(1, 60, 70), smooth=4.0) -> np.ndarray:
    """A smooth random map 0..255 of several hills that part and vanish as the level rises."""
    noise = np.random.default_rng(seed).normal(size=shape)
    wide = [0 if n == 1 else smooth for n in shape]
    field = ndimage.gaussian_filter(noise, wide)
    field -= field.min()
    return np.floor(255 * field / field.max() + 0.5).astype(np.uint8)
