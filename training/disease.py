"""Adds drawn disease to a lung: the picture whitens, the lung field stays where it is.

The Montgomery references go round consolidation and effusion as if the lung were clear.
"""

from __future__ import annotations

import cv2
import numpy as np

OPACITY_SHARE = 0.4
EFFUSION_SHARE = 0.15


def add_disease(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give (Y, X) float32 in 0–1 with opacities or an effusion, often with neither."""
    if rng.random() < OPACITY_SHARE:
        image = add_opacities(image, mask, rng)
    if rng.random() < EFFUSION_SHARE:
        image = add_effusion(image, mask, rng)
    return image.astype(np.float32)


def add_opacities(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add soft bright patches about points of the lungs, as consolidations do."""
    inside, size = np.argwhere(mask > 0.5), image.shape[0]
    if not len(inside):
        return image
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    for y, x in inside[rng.integers(0, len(inside), rng.integers(1, 5))]:
        ry, rx = rng.uniform(0.03, 0.2, 2) * size
        patch = np.exp(-(((rows - y) / ry) ** 2) - ((columns - x) / rx) ** 2)
        image = image + rng.uniform(0.1, 0.9) * patch * (1 - image) * _texture(size, rng)
    return image


def add_effusion(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Whiten the lower part of one lung up to a soft level, as fluid does."""
    found, labels, boxes, _ = cv2.connectedComponentsWithStats((mask > 0.5).astype(np.uint8))
    if found < 2:
        return image
    lung = int(rng.integers(1, found))
    top, height = boxes[lung, cv2.CC_STAT_TOP], boxes[lung, cv2.CC_STAT_HEIGHT]
    level = top + height * rng.uniform(0.35, 0.95)
    rows = np.arange(image.shape[0], dtype=np.float32)[:, None]
    depth = 1 / (1 + np.exp(-np.clip((rows - level) / rng.uniform(1, 12), -30, 30)))
    region = (labels == lung).astype(np.float32)
    region = cv2.GaussianBlur(cv2.dilate(region, np.ones((5, 5))), (0, 0), 3)
    return image + rng.uniform(0.4, 1.0) * depth * region * (1 - image)


def _texture(size: int, rng: np.random.Generator) -> np.ndarray:
    """Give a blotchy factor between 0 and 1."""
    cells = int(rng.integers(4, 24))
    coarse = rng.uniform(0.3, 1, (cells, cells)).astype(np.float32)
    return np.clip(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), 0, 1)
