"""PURE: a slice of a head, a crop round a hippocampus and a chest CT, all drawn by code."""

from __future__ import annotations

import gzip

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


def brain_phantom(size: int = 256, seed: int = 5) -> NDArray[np.uint8]:
    """Return an axial T1 post-contrast slice with one bright tumour, uint8 (size, size)."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size * 2 - 1
    rng = np.random.default_rng(seed)
    head = _ball((x / 0.74) ** 2 + (y / 0.88) ** 2, 0.02)
    skull = _ball((x / 0.68) ** 2 + (y / 0.82) ** 2, 0.02)
    brain = _ball((x / 0.63) ** 2 + (y / 0.77) ** 2, 0.02)
    folds = np.sin(9 * np.arctan2(y, x) * 2 + 6 * np.hypot(x, y)) * np.sin(26 * np.hypot(x, y))
    matter = 0.40 + 0.10 * _ball((x / 0.5) ** 2 + (y / 0.62) ** 2, 0.25) + 0.035 * folds
    matter -= 0.22 * np.exp(-((x / 0.018) ** 2)) * (np.abs(y) > 0.25)
    for side in (-1, 1):
        horn = ((x - side * (0.09 + 0.10 * y**2)) / 0.045) ** 2 + ((y + 0.02) / 0.27) ** 2
        matter -= 0.27 * _ball(horn, 0.25)
    tumour = _ball(_blob(x - 0.30, y + 0.14, 0.155), 0.10)
    core = _ball(_blob(x - 0.31, y + 0.13, 0.06), 0.5)
    matter = matter * (1 - tumour) + (0.84 - 0.18 * core) * tumour
    picture = 0.62 * (head - skull) + 0.06 * (skull - brain) + brain * matter
    picture = _smooth(picture + brain * 0.03 * _grain(picture.shape, rng, 5), 0.9)
    picture += rng.normal(0, 0.008, picture.shape)
    return np.asarray(np.clip(picture * 235 + 3, 0, 255), dtype=np.uint8)


def hippocampus_phantom(seed: int = 3) -> NDArray[np.int16]:
    """Return a T1 crop round a right hippocampus, int16 (R, A, S) of 36 × 50 × 36 mm."""
    r, a, s = np.mgrid[0:36, 0:50, 0:36].astype(np.float32)
    rng = np.random.default_rng(seed)
    picture = np.full(r.shape, 150, dtype=np.float32)  # white matter
    picture -= 45 * _ball(((r - 30) / 9) ** 2 + ((s - 9) / 10) ** 2, 0.2)  # cortex outside
    picture -= 45 * _ball(((r - 8) / 9) ** 2 + ((a - 40) / 12) ** 2 + ((s - 8) / 6) ** 2, 0.2)
    picture -= 110 * _ball(((r - 2) / 7) ** 2 + ((a - 22) / 26) ** 2 + ((s - 20) / 9) ** 2, 0.2)
    away = np.full(r.shape, np.inf, dtype=np.float32)
    for t in np.linspace(0, 1, 60):
        middle = (19 - 7 * t**2, 39 - 31 * t, 13 + 11 * t**1.6)
        wide = (6.5 - 2.2 * min(1.0, 1.8 * t), 4.6, 4.6 - 1.2 * t)
        near = sum(((g - m) / w) ** 2 for g, m, w in zip((r, a, s), middle, wide, strict=True))
        away = np.minimum(away, near)
    horn = _ball(away / 1.75, 0.2) * (r > 16)  # fluid beside it
    body = _ball(away, 0.15)
    picture = picture * (1 - horn) + 45 * horn
    picture = picture * (1 - body) + 100 * body
    picture = _smooth(picture, 0.8) + 5 * _grain(picture.shape, rng, 1.5)
    return np.asarray(np.clip(picture + rng.normal(0, 3, picture.shape), 0, 400), dtype=np.int16)


def chest_ct_phantom(seed: int = 4) -> NDArray[np.int16]:
    """Return a chest CT in Hounsfield units, int16 (R, A, S), 120 × 90 × 64 voxels of 3 mm."""
    r, a, s = np.mgrid[0:120, 0:90, 0:64].astype(np.float32)
    x, y, z = (r - 59.5) / 56, (a - 46) / 40, s / 63
    rng = np.random.default_rng(seed)
    trunk = _ball((x / 0.98) ** 2 + (y / 0.86) ** 2, 0.04)
    flesh = _ball((x / 0.90) ** 2 + (y / 0.76) ** 2, 0.04)
    lungs = np.zeros_like(x)
    for side, dome in ((-1, 0.10), (1, 0.16)):
        floor = z - dome - 0.22 * np.exp(-(((x - side * 0.42) / 0.3) ** 2) - (y / 0.5) ** 2)
        width = 0.34 * np.clip(1.15 - z, 0.05, 1) ** 0.35
        round_it = ((x - side * 0.44) / width) ** 2 + ((y + 0.02) / 0.62) ** 2
        lungs = np.maximum(
            lungs, _ball(round_it, 0.08) * _step(floor, 0.02) * _step(0.97 - z, 0.02)
        )
    heart = _ball(((x + 0.12) / 0.36) ** 2 + ((y - 0.22) / 0.36) ** 2 + ((z - 0.3) / 0.3) ** 2, 0.1)
    spine = _ball((x / 0.13) ** 2 + ((y + 0.52) / 0.15) ** 2, 0.15)
    rib = _ball((((x / 0.86) ** 2 + (y / 0.71) ** 2 - 1) / 0.09) ** 2, 0.2)
    rib *= np.sin((z + 0.25 * y) * 40) > 0.35
    vessels = np.clip(_grain(x.shape, rng, 1.6) - 1.6, 0, None)
    air = lungs * (1 - heart)
    hu = -1000 + 900 * trunk + 145 * flesh + 190 * heart * flesh + 330 * spine + 420 * rib * trunk
    hu = hu * (1 - air) + (-850 + 420 * np.minimum(vessels, 1.5)) * air
    windpipe = _ball((x / 0.06) ** 2 + ((y + 0.1) / 0.08) ** 2, 0.2) * _step(z - 0.6, 0.02)
    hu = hu * (1 - windpipe) - 990 * windpipe
    hu = np.maximum(hu, -1000 + 500 * np.exp(-(((a - 6 - 0.012 * (r - 60) ** 2) / 1.2) ** 2)))
    return np.asarray(_smooth(hu, 0.6) + rng.normal(0, 14, hu.shape), dtype=np.int16)


def nifti_bytes(volume: NDArray[np.int16], mm: float) -> bytes:
    """Return a .nii.gz of a volume (R, A, S) with cubic voxels, the same bytes each time."""
    import nibabel

    image = nibabel.Nifti1Image(volume, np.diag([mm, mm, mm, 1.0]))
    image.header.set_xyzt_units("mm")
    return gzip.compress(image.to_bytes(), mtime=0)


def _ball(level: Field, width: float) -> Field:
    """1 where a squared distance is below one, 0 beyond, soft over `width`."""
    return _step(1 - level, width)


def _step(level: Field, width: float) -> Field:
    return (1 / (1 + np.exp(-np.clip(level / width * 4, -30, 30)))).astype(np.float32)


def _blob(x: Field, y: Field, radius: float) -> Field:
    """A squared distance whose unit line is a bumpy circle."""
    angle = np.arctan2(y, x)
    bumps = 1 + 0.10 * np.sin(3 * angle + 1) + 0.06 * np.sin(5 * angle)
    return (np.hypot(x, y) / (radius * bumps)) ** 2


def _grain(shape: tuple[int, ...], rng: np.random.Generator, sigma: float) -> Field:
    """Smooth noise of unit variance."""
    noise = _smooth(rng.standard_normal(shape, dtype=np.float32), sigma)
    return noise / np.float32(noise.std())


def _smooth(values: Field, sigma: float) -> Field:
    """Gaussian blur by the spectrum; the edges wrap."""
    spectrum = np.fft.rfftn(values)
    for axis, n in enumerate(values.shape):
        last = axis == values.ndim - 1
        f = np.fft.rfftfreq(n) if last else np.fft.fftfreq(n)
        shape = [1] * values.ndim
        shape[axis] = f.size
        spectrum = spectrum * np.exp(-2 * (np.pi * sigma * f) ** 2).reshape(shape)
    return np.fft.irfftn(spectrum, values.shape, axes=range(values.ndim)).astype(np.float32)
