"""Signs of tuberculosis on a chest X-ray: data, networks, task."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from imaging.inference.grids import resize_image
from training.appearance import change_appearance
from training.augment import draw_bars
from training.data import REPOSITORY, data_root
from training.grid import scale_percentiles
from training.loop import Arrays, Task
from training.networks import ResidualBlock

SET, OTHER_HOSPITAL = "cxr_shenzhen_tb", "cxr_montgomery"
PERCENTILES = (1, 99)
SMOOTHED = 0.05
RESTORED = REPOSITORY / "var" / "restored"  # written by training.restore


@dataclass(frozen=True, slots=True)
class Film:
    """A radiograph (Y, X) uint8 as it is read, and whether it was labelled tuberculosis."""

    name: str
    image: np.ndarray
    sick: bool


def read_films(name: str, split: str = "") -> list[Film]:
    """Read one split of a set, or all of it."""
    folder = data_root() / name
    with (folder / "labels.csv").open(newline="") as rows:
        chosen = [row for row in csv.DictReader(rows) if split in ("", row["split"])]
    films = []
    for row in chosen:
        pixels = cv2.imread(str(folder / "images" / row["file"]), cv2.IMREAD_GRAYSCALE)
        if pixels is None:
            raise ValueError(f"{folder / 'images' / row['file']} cannot be read as an image")
        films.append(Film(row["file"], pixels, row["tuberculosis"] == "1"))
    return films


def to_network(image: np.ndarray, size: int) -> np.ndarray:
    """Resize and scale as served: (size, size) float32 in 0–1."""
    return scale_percentiles(resize_image(image.astype(np.float32), (size, size)), PERCENTILES)


class LungEncoder(nn.Module):
    """The way down of the lung network `resunet`, then the mean and the maximum of each feature."""

    def __init__(self, filters: list[int]) -> None:
        super().__init__()
        steps = zip([1, *filters], filters, strict=False)
        self.down = nn.ModuleList(ResidualBlock(narrow, wide) for narrow, wide in steps)
        self.bottom = ResidualBlock(filters[-1], filters[-1], dilation=2)
        self.dropout = nn.Dropout(0.4)
        self.head = nn.Linear(2 * filters[-1], 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else functional.max_pool2d(x, 2))
        x = self.bottom(x)
        pooled = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)
        return self.head(self.dropout(pooled))

    def take_over(self, weights: Path, frozen: int) -> None:
        """Load the way down from lung weights; the first `frozen` levels learn no more."""
        state = torch.load(weights, weights_only=True)
        known = {k: v for k, v in state.items() if k.startswith(("down.", "bottom."))}
        missing = self.load_state_dict(known, strict=False).missing_keys
        if any(not name.startswith("head.") for name in missing):
            raise ValueError(f"{weights} is not of this encoder: {missing[0]} is missing")
        self.down[:frozen].requires_grad_(False)


class Tuberculosis(Task):
    """Sigmoid of one logit. The last average is kept: sixty films of val do not rank epochs."""

    batch = 16
    learning_rate = 1e-3
    weight_decay = 5e-2
    average_decay = 0.99
    keeps_last = True

    def __init__(self, size: int = 224) -> None:
        self.size = size

    def items(self, split: str) -> list[Film]:
        return read_films(SET, split)

    def sample(self, item: Film, rng: np.random.Generator) -> Arrays:
        image = resize_image(item.image.astype(np.float32) / 255, (self.size, self.size))
        image = change_appearance(_moved(image, rng), rng)
        if rng.random() < 0.15:
            image, _ = draw_bars(image, np.zeros_like(image), rng)
        image = scale_percentiles(image, PERCENTILES)
        return image[None].astype(np.float32), np.float32([item.sick])

    def loss(self, output: torch.Tensor, *targets: torch.Tensor) -> torch.Tensor:
        wanted = targets[0] * (1 - 2 * SMOOTHED) + SMOOTHED
        return functional.binary_cross_entropy_with_logits(output, wanted)

    def scores(self, network: nn.Module, items: Sequence[Film]) -> dict[str, float]:
        p = probabilities(network, items, self.size)
        sick = np.array([item.sick for item in items])
        right = np.clip(np.where(sick, p, 1 - p), 1e-6, 1)
        log_loss = float(-np.log(right).mean())
        found = auroc(p, sick)
        return {"score": found - 0.1 * log_loss, "auroc": found, "log_loss": log_loss}


class FromLungs(Tuberculosis):
    """The same from the lung network's encoder, whose first two levels stay as they are."""

    learning_rate = 5e-4

    def __init__(self) -> None:
        super().__init__(size=256)

    def prepare(self, network: nn.Module, runs: Path) -> None:
        network.take_over(RESTORED / "resunet" / "best.pt", frozen=2)


class FromPhotographs(Tuberculosis):
    """The same from weights learnt on photographs; what sees edges and textures stays as it is."""

    learning_rate = 5e-4
    average_decay = 0.98

    def __init__(self) -> None:
        super().__init__(size=256)

    def prepare(self, network: nn.Module, runs: Path) -> None:
        network.body.take_over()
        network.body.stem.requires_grad_(False)
        network.body.blocks[:5].requires_grad_(False)


def best_threshold(p: np.ndarray, sick: np.ndarray) -> float:
    """Give the threshold with the largest sum of sensitivity and specificity (Youden 1950)."""
    known = np.unique(p)
    cuts = (known[1:] + known[:-1]) / 2
    sums = [(p[sick] >= cut).mean() + (p[~sick] < cut).mean() for cut in cuts]
    return round(float(cuts[int(np.argmax(sums))]), 3)


@torch.inference_mode()
def probabilities(network: nn.Module, items: Sequence[Film], size: int) -> np.ndarray:
    """Give p of tuberculosis for each film."""
    images = torch.from_numpy(np.stack([to_network(item.image, size) for item in items])[:, None])
    logits = torch.cat([network(some) for some in images.split(16)])
    return torch.sigmoid(logits)[:, 0].numpy()


def auroc(p: np.ndarray, sick: np.ndarray) -> float:
    """Give the share of sick and healthy pairs in the right order, ties half (MEASURES §12)."""
    difference = p[sick][:, None] - p[~sick][None, :]
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))


def _moved(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    size = image.shape[0]
    middle = (size - 1) / 2
    angle, scale = rng.uniform(-12, 12), np.exp(rng.uniform(-0.12, 0.18))
    matrix = cv2.getRotationMatrix2D((middle, middle), angle, scale)
    matrix[:, 2] += rng.uniform(-0.06, 0.06, 2) * size
    moved = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR)
    return moved[:, ::-1].copy() if rng.random() < 0.5 else moved
