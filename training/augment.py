"""Makes one training sample from one pair: another pose, another scanner, the same anatomy."""

from __future__ import annotations

import cv2
import numpy as np

from imaging.inference.grids import resize_image
from training.appearance import change_appearance
from training.data import Pair
from training.disease import add_disease
from training.grid import scale_percentiles

ROTATION_DEGREES = 20.0
SCALE = (0.75, 1.35)
STRETCH = (0.7, 1.43)
SHEAR = 0.12
SHIFT = 0.12
ELASTIC_SHARE = 0.4
ELASTIC_PX = 14.0
BAR_SHARE = 0.2


def make_sample(
    pair: Pair, size: int, percentiles: tuple[float, float], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Give (size, size) float32 image in 0–1 and soft mask in 0–1, moved by one same map."""
    image, mask = move(pair.image, pair.mask, rng)
    image = resize_image(image.astype(np.float32) / 255, (size, size))
    mask = resize_image(mask.astype(np.float32) / 255, (size, size))
    image = change_appearance(add_disease(image, mask, rng), rng)
    if rng.random() < BAR_SHARE:
        image, mask = draw_bars(image, mask, rng)
    return scale_percentiles(image, percentiles), mask


def move(
    image: np.ndarray, mask: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Apply one random affine and elastic map to both; what comes from outside is not lung."""
    columns, rows = _sampling_map(image.shape, rng)
    border, value = _border(rng)
    moved = cv2.remap(image, columns, rows, cv2.INTER_LINEAR, borderMode=border, borderValue=value)
    return moved, cv2.remap(mask, columns, rows, cv2.INTER_LINEAR, borderValue=0)


def draw_bars(
    image: np.ndarray, mask: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cover opposite edges with plain bars, as letterboxing and collimators do."""
    image, mask = image.copy(), mask.copy()
    size, value = image.shape[0], rng.choice([0.0, 0.0, 1.0, rng.random()])
    before, after = rng.integers(0, max(2, size // 8), size=2)
    for canvas, fill in ((image, value), (mask, 0.0)):
        lines = canvas.T if before % 2 else canvas
        lines[:before] = fill
        lines[size - after :] = fill
    return image, mask


def _sampling_map(
    shape: tuple[int, int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    height, width = shape
    matrix = _random_matrix(rng)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = columns - (width - 1) / 2, rows - (height - 1) / 2
    shift = rng.uniform(-SHIFT, SHIFT, size=2) * (width, height)
    source_x = matrix[0, 0] * x + matrix[0, 1] * y + (width - 1) / 2 + shift[0]
    source_y = matrix[1, 0] * x + matrix[1, 1] * y + (height - 1) / 2 + shift[1]
    if rng.random() < ELASTIC_SHARE:
        source_x = source_x + _smooth_shift(shape, rng)
        source_y = source_y + _smooth_shift(shape, rng)
    return source_x.astype(np.float32), source_y.astype(np.float32)


def _random_matrix(rng: np.random.Generator) -> np.ndarray:
    angle = np.deg2rad(rng.uniform(-ROTATION_DEGREES, ROTATION_DEGREES))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    scale = np.exp(rng.uniform(*np.log(SCALE)))
    stretch = np.exp(rng.uniform(*np.log(STRETCH)) / 2)
    shear = np.array([[1, rng.uniform(-SHEAR, SHEAR)], [0, 1]])
    flip = -1 if rng.random() < 0.5 else 1
    return turn @ shear @ np.diag([flip * stretch / scale, 1 / stretch / scale])


def _smooth_shift(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    cells = int(rng.integers(3, 7))
    coarse = rng.normal(0, ELASTIC_PX / 2, (cells, cells)).astype(np.float32)
    return cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)


def _border(rng: np.random.Generator) -> tuple[int, float]:
    kind = rng.random()
    if kind < 0.25:
        return cv2.BORDER_REPLICATE, 0
    if kind < 0.7:
        return cv2.BORDER_CONSTANT, 0
    return cv2.BORDER_CONSTANT, float(rng.choice([255, rng.integers(0, 256)]))
