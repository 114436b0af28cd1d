"""Brain tumour on T1 post-contrast MRI slices: data, samples, and the segmentation task."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from imaging.inference.grids import resize_image, resize_map
from imaging.inference.intensity import apply_intensity
from training.data import data_root, read_pairs
from training.loop import Arrays, Task
from training.losses import dice, dice_bce_loss

SET = "mri_brain_tumour"
SIZE, WHOLE = 192, 256
INTENSITY = [{"op": "percentile", "low": 1, "high": 99.5}]
VALUES_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice on the network's grid, 0–1, its soft mask there, and the mask as drawn."""

    name: str
    image: np.ndarray
    soft_mask: np.ndarray
    mask: np.ndarray


def read_split(split: str, size: int = SIZE) -> list[Slice]:
    """Read train, val or test."""
    return [
        Slice(
            pair.name,
            to_network(pair.image, size),
            resize_image(pair.mask.astype(np.float32) / 255, (size, size)),
            pair.mask > 0,
        )
        for pair in read_pairs(data_root() / SET, names_of(split))
    ]


def names_of(split: str) -> list[str]:
    """Give the files of a split of labels.csv, whose blocks keep one patient's slices together."""
    with (data_root() / SET / "labels.csv").open(newline="") as rows:
        return [row["file"] for row in csv.DictReader(rows) if row["split"] == split]


def to_network(image: np.ndarray, size: int) -> np.ndarray:
    """Resize a square slice to (size, size) and bring its intensities to 0–1, as served."""
    resized = resize_image(image.astype(np.float32), (size, size))
    return apply_intensity(resized[None], INTENSITY, normalize=True, eight_bit=False)[0]


def augmented(item: Slice, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Give image and soft mask turned, scaled, moved and mirrored alike, in another contrast."""
    matrix = _random_affine(item.image.shape[0], rng)
    size = item.image.shape[::-1]
    image = cv2.warpAffine(item.image, matrix, size, flags=cv2.INTER_LINEAR)
    mask = cv2.warpAffine(item.soft_mask, matrix, size, flags=cv2.INTER_LINEAR)
    return _other_contrast(image, rng), mask


class TumourMask(Task):
    """Sigmoid of one channel; the mean Dice on val, at the grid of the image, chooses."""

    batch = 4
    learning_rate = 2e-3
    average_decay = 0.995

    def __init__(self, size: int = SIZE) -> None:
        self.size = size

    def items(self, split: str) -> list[Slice]:
        return read_split(split, self.size)

    def sample(self, item: Slice, rng: np.random.Generator) -> Arrays:
        image, mask = augmented(item, rng)
        return image[None], mask[None]

    def loss(self, output: torch.Tensor, *targets: torch.Tensor) -> torch.Tensor:
        return dice_bce_loss(output, targets[0])

    def scores(self, network: nn.Module, items: Sequence[Slice]) -> dict[str, float]:
        values = []
        for start in range(0, len(items), VALUES_AT_ONCE):
            some = items[start : start + VALUES_AT_ONCE]
            images = torch.from_numpy(np.stack([item.image for item in some])[:, None])
            maps = torch.sigmoid(network(images))[:, 0].numpy()
            values += [
                dice(resize_map(p, item.mask.shape) >= 0.5, item.mask)
                for p, item in zip(maps, some, strict=True)
            ]
        return {"score": float(np.mean(values)), "missed": float(np.mean(np.array(values) < 0.1))}


class TumourFromPhotographs(TumourMask):
    """The same on the whole grid, from weights that were learnt on photographs."""

    batch = 8
    learning_rate = 1.5e-3
    average_decay = 0.99

    def __init__(self) -> None:
        super().__init__(size=WHOLE)

    def prepare(self, network: nn.Module, runs: Path) -> None:
        network.body.take_over()


def _random_affine(size: int, rng: np.random.Generator) -> np.ndarray:
    angle, scale = rng.uniform(-25, 25), np.exp(rng.uniform(-0.2, 0.2))
    middle = (size - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), angle, scale)
    matrix[:, 2] += rng.uniform(-0.06, 0.06, 2) * size
    stretch = np.exp(rng.uniform(-0.1, 0.1))
    mirror = np.array([[stretch, 0, middle * (1 - stretch)], [0, 1, 0], [0, 0, 1]])
    if rng.random() < 0.5:
        mirror[0] = -stretch, 0, middle * (1 + stretch)
    return (matrix @ mirror).astype(np.float64)


def _other_contrast(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.5:
        image = np.power(image, np.exp(rng.uniform(-0.4, 0.4)))
    if rng.random() < 0.3:
        cells = rng.uniform(-0.25, 0.25, (3, 3)).astype(np.float32)
        image = image * (1 + cv2.resize(cells, image.shape[::-1], interpolation=cv2.INTER_CUBIC))
    if rng.random() < 0.2:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.0))
    image = image * rng.uniform(0.85, 1.15) + rng.uniform(-0.05, 0.05)
    if rng.random() < 0.3:
        noise = rng.standard_normal(image.shape, dtype=np.float32)
        image = image + rng.uniform(0.01, 0.04) * noise
    return np.clip(image, 0, 1).astype(np.float32)
