"""PURE: a chest X-ray drawn by code, so that a fresh installation has something to look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


def chest_phantom(size: int = 1024, seed: int = 7) -> NDArray[np.uint8]:
    """Return a frontal chest phantom, uint8 (size, size): air dark, bone bright.

    No patient stands behind it: body, lungs, heart, diaphragm, spine, ribs and
    clavicles are formulas, blurred and grained like a radiograph.
    """
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size * 2 - 1
    rng = np.random.default_rng(seed)

    body = _body(x, y)
    lungs = np.maximum(_lung(x, y, -1), _lung(x, y, 1))
    heart = _heart(x, y)
    spine = np.exp(-(np.abs(x / 0.115) ** 3)) * (0.9 + 0.1 * np.cos(y * 38))
    aerated = lungs * (1 - 0.92 * heart)

    picture = body * (0.50 + 0.20 * np.clip((y - 0.2) / 0.6, 0, 1))
    picture -= aerated * (0.37 + 0.20 * np.clip((y - 0.2) / 0.6, 0, 1))
    picture += body * (0.20 * spine + 0.17 * heart * (1 - 0.5 * spine))
    picture += _ribs(x, y) * (0.055 * aerated + 0.012 * body)
    picture += 0.10 * _clavicles(x, y) * body
    picture += 0.09 * _hila(x, y) * aerated
    picture += _vessels(aerated, rng, size)
    picture = _blur(picture, size / 560)
    picture += rng.normal(0, 0.010, picture.shape).astype(np.float32)
    return np.clip(picture * 235 + 12, 0, 255).astype(np.uint8)


def _soft(level: Field, width: float) -> Field:
    """A smooth step of a signed level: 0 outside, 1 inside."""
    return (1 / (1 + np.exp(-np.clip(level / width, -30, 30)))).astype(np.float32)


def _body(x: Field, y: Field) -> Field:
    """Neck, sloping shoulders, trunk."""
    half = 0.26 + 0.66 / (1 + np.exp(-(y + 0.72) * 16)) - 0.05 * np.clip(y, 0, 1)
    return _soft(half - np.abs(x) - 0.10 * np.exp(-(((y + 0.72) / 0.12) ** 2)), 0.012)


def _lung(x: Field, y: Field, side: int) -> Field:
    """One lung: rounded apex, straight inner border, domed base; side -1 is the picture's left."""
    base = 0.60 if side > 0 else 0.54
    down = np.clip((y + 0.74) / (base + 0.74), 0, 1)
    outer = 0.34 + 0.36 * down**0.62
    inner = 0.13 + 0.05 * (1 - down) - 0.03 * down
    across = np.minimum(outer - side * x, side * x - inner)
    apex = 1 - ((side * x - 0.30) / 0.20) ** 2 - ((y + 0.56) / 0.20) ** 2
    top = np.where(y < -0.56, apex * 0.2, 1.0)
    dome = base + 0.10 - 0.16 * np.exp(-(((side * x - 0.38) / 0.24) ** 2)) - y
    dome += 0.22 * np.clip(side * x - 0.52, 0, 1)
    return _soft(np.minimum(np.minimum(across, top), dome), 0.010)


def _heart(x: Field, y: Field) -> Field:
    """An egg that leans to the image's right, and the aortic knob above it."""
    u, v = (x - 0.13) * 0.86 + (y - 0.26) * 0.5, (y - 0.26) * 0.86 - (x - 0.13) * 0.5
    egg = _soft(1 - (u / 0.36) ** 2 - (v / 0.25) ** 2, 0.10)
    knob = _soft(1 - ((x - 0.10) / 0.11) ** 2 - ((y + 0.26) / 0.12) ** 2, 0.20)
    return np.maximum(egg, 0.8 * knob)


def _hila(x: Field, y: Field) -> Field:
    return sum(
        np.exp(-(((x - at) / 0.09) ** 2) - ((y - 0.02) / 0.16) ** 2) for at in (-0.23, 0.27)
    ).astype(np.float32)


def _ribs(x: Field, y: Field) -> Field:
    """Ten posterior arcs on each side, falling outwards, each with a brighter rim."""
    ribs = np.zeros_like(x)
    for index in range(10):
        arc = -0.70 + index * 0.135 - 0.10 * np.sin(np.abs(x) * 4.2) + 0.42 * x**2
        away = (y - arc) / 0.030
        ribs += np.exp(-(away**4)) * (0.75 + 0.25 * away**2) * _soft(0.76 - np.abs(x), 0.03)
    return ribs.astype(np.float32)


def _clavicles(x: Field, y: Field) -> Field:
    line = -0.60 - 0.16 * np.abs(x) + 0.05 * np.sin(np.abs(x) * 7)
    return (np.exp(-(((y - line) / 0.028) ** 4)) * _soft(np.abs(x) - 0.09, 0.02)).astype(np.float32)


def _vessels(lungs: Field, rng: np.random.Generator, size: int) -> Field:
    """Fine smooth texture inside the lungs."""
    coarse = _blur(rng.normal(0, 1, lungs.shape).astype(np.float32), size / 70)
    return 0.035 * lungs * coarse / max(float(coarse.std()), 1e-6)


def _blur(picture: Field, sigma: float) -> Field:
    """Gaussian blur by its spectrum; the edges wrap, which a dark frame hides."""
    rows = np.fft.fftfreq(picture.shape[0])[:, None]
    columns = np.fft.rfftfreq(picture.shape[1])[None, :]
    transfer = np.exp(-2 * (np.pi * sigma) ** 2 * (rows**2 + columns**2))
    return np.fft.irfft2(np.fft.rfft2(picture) * transfer, picture.shape).astype(np.float32)
