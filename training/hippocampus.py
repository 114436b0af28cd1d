"""Hippocampus in 3-D MRI, anterior and posterior part: data, samples, loss, score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import torch
from scipy import ndimage
from torch import nn
from torch.nn import functional

from imaging.inference.intensity import apply_intensity
from training.data import data_root
from training.loop import Arrays, Task
from training.losses import dice

SET = "mri_hippocampus"
LABELS = ("anterior hippocampus", "posterior hippocampus")
TRAIN_GRID = (40, 56, 40)
GRID = (48, 64, 48)
INTENSITY = [{"op": "zscore", "mean": "image", "std": "image", "nonzero": False}]
FOLDS = 10


@dataclass(frozen=True, slots=True)
class Crop:
    """A crop (R, A, S) float32, zero mean and unit variance, and its labels 0, 1, 2."""

    name: str
    image: np.ndarray
    labels: np.ndarray


def read_split(split: str) -> list[Crop]:
    """Read train, val or test."""
    return [read_crop(data_root() / SET, name) for name in names_of(split)]


def names_of(split: str) -> list[str]:
    """Give the files of a split: of ten names in order the first is test, the second val."""
    folder = data_root() / SET
    names = sorted(path.name for path in (folder / "images").glob("*.nii.gz"))
    if not names:
        raise ValueError(f"{folder} holds no images")
    place = {"test": (0,), "val": (1,), "train": range(2, FOLDS)}[split]
    return [name for at, name in enumerate(names) if at % FOLDS in place]


def read_crop(folder: Path, name: str) -> Crop:
    """Read one image and its label map, turned to right, anterior, superior."""
    image, labels = (
        nibabel.as_closest_canonical(nibabel.load(folder / kind / name))
        for kind in ("images", "labels")
    )
    values = np.asarray(image.dataobj, dtype=np.float32)
    steps = [dict(step) for step in INTENSITY]
    ready = apply_intensity(values[None], steps, normalize=False, eight_bit=False)[0]
    return Crop(name, ready, np.asarray(labels.dataobj).astype(np.uint8))


class Hippocampus(Task):
    """Softmax over background and two parts; the mean Dice of both on val chooses."""

    batch = 2
    learning_rate = 3e-3

    def items(self, split: str) -> list[Crop]:
        return read_split(split)

    def sample(self, item: Crop, rng: np.random.Generator) -> Arrays:
        matrix = _random_matrix(rng)
        middle = (np.array(item.image.shape) - 1) / 2 + rng.uniform(-4, 4, 3)
        offset = middle - matrix @ ((np.array(TRAIN_GRID) - 1) / 2)
        image = ndimage.affine_transform(item.image, matrix, offset, TRAIN_GRID, order=1)
        labels = ndimage.affine_transform(item.labels, matrix, offset, TRAIN_GRID, order=0)
        inside = image != 0
        image = _other_scanner(image, rng)
        return np.where(inside, image, 0).astype(np.float32)[None], labels.astype(np.int64)

    def loss(self, output: torch.Tensor, *targets: torch.Tensor) -> torch.Tensor:
        (labels,) = targets
        wanted = functional.one_hot(labels, output.shape[1]).movedim(-1, 1).float()
        p = torch.softmax(output, 1)[:, 1:]
        overlap = (p * wanted[:, 1:]).sum(dim=(2, 3, 4))
        size = (p + wanted[:, 1:]).sum(dim=(2, 3, 4))
        soft_dice = 1 - (2 * overlap + 1) / (size + 1)
        return soft_dice.mean() + functional.cross_entropy(output, labels)

    def scores(self, network: nn.Module, items: Sequence[Crop]) -> dict[str, float]:
        parts = np.array([dice_of_parts(predict(network, item.image), item) for item in items])
        anterior, posterior = parts.mean(0)
        return {"score": parts.mean(), "anterior": anterior, "posterior": posterior}


def predict(network: nn.Module, image: np.ndarray) -> np.ndarray:
    """Give the probabilities (3, R, A, S) of an image, in the middle of the zero-padded grid."""
    grid = [max(want, 8 * -(-have // 8)) for want, have in zip(GRID, image.shape, strict=True)]
    before = [(g - n) // 2 for g, n in zip(grid, image.shape, strict=True)]
    sides = [(b, g - n - b) for b, g, n in zip(before, grid, image.shape, strict=True)]
    padded = torch.from_numpy(np.pad(image, sides))[None, None]
    p = torch.softmax(network(padded), 1)[0].numpy()
    return p[(slice(None), *(slice(b, b + n) for b, n in zip(before, image.shape, strict=True)))]


def dice_of_parts(p: np.ndarray, item: Crop) -> list[float]:
    """Give the Dice of each part, a voxel going to the likeliest of the three labels."""
    likeliest = p.argmax(0)
    return [dice(likeliest == part, item.labels == part) for part in (1, 2)]


def _random_matrix(rng: np.random.Generator) -> np.ndarray:
    """Turn by some 10 degrees about each axis, scale by up to a sixth, mirror left and right."""
    turn = np.eye(3)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        angle = np.deg2rad(rng.normal(0, 8))
        one = np.eye(3)
        one[[a, a, b, b], [a, b, a, b]] = (
            np.cos(angle),
            -np.sin(angle),
            np.sin(angle),
            np.cos(angle),
        )
        turn = turn @ one
    scale = np.exp(rng.uniform(-0.15, 0.15, 3) * [0.5, 0.5, 0.5] + rng.uniform(-0.1, 0.1))
    scale[0] *= rng.choice([-1, 1])
    return turn @ np.diag(scale)


def _other_scanner(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change contrast, brightness, tone curve and noise of a picture of unit variance."""
    low, high = float(image.min()), float(image.max())
    if rng.random() < 0.4 and high > low:
        shape = np.exp(rng.uniform(-0.4, 0.4))
        image = ((image - low) / (high - low)) ** shape * (high - low) + low
    if rng.random() < 0.2:
        image = ndimage.gaussian_filter(image, rng.uniform(0.3, 0.8))
    image = image * np.exp(rng.normal(0, 0.12)) + rng.normal(0, 0.12)
    if rng.random() < 0.4:
        image = image + rng.uniform(0.02, 0.15) * rng.standard_normal(image.shape, np.float32)
    return image
