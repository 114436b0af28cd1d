"""Lungs on CT, a demonstration: two thoraces with rule-made labels, one abdomen with a model's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import nibabel
import numpy as np
import torch
from scipy import ndimage
from torch import nn
from torch.nn import functional

from imaging.inference.grids import resample
from imaging.inference.intensity import apply_intensity
from training.data import data_root
from training.loop import Arrays, Task
from training.losses import dice

SPACING = 3.0
GRID = (48, 48, 48)
INTENSITY = [{"op": "scale", "from": [-1000, 400], "to": [0, 1], "clip": True}]
AIR, ALL_AIR, LEAST_VOXELS = -400, -900, 2000
LABELLED_SLICES = 30  # of example_ct, from the top: where the lungs label map lies
CROPS_PER_VOLUME = 24


@dataclass(frozen=True, slots=True)
class Scan:
    """A CT (R, A, S) at 3 mm, scaled to 0–1, and its lungs."""

    name: str
    image: np.ndarray
    lungs: np.ndarray


def read_split(split: str) -> list[Scan]:
    """Train: pulmonary_ct and the abdomen under the lungs of example_ct. Val: aorta_ct.

    Test: the top of example_ct, whose lungs TotalSegmentator drew.
    """
    if split == "val":
        return [_thorax("aorta_ct")]
    example, step = _read("example_ct")
    top = example.shape[2] - LABELLED_SLICES
    if split == "test":
        lungs, _ = _read("example_ct_lungs")
        return [Scan("example_ct_small", _ready(example[:, :, top:], step), lungs > 0)]
    abdomen = _ready(example[:, :, :top], step)
    return [_thorax("pulmonary_ct"), Scan("abdomen", abdomen, np.zeros(abdomen.shape, bool))]


def lungs_by_rule(values: np.ndarray) -> np.ndarray:
    """Give the air that is neither round the patient nor airway nor bowel: a rule, not a reader.

    Air at an upper front corner is outside. Airways and bowel are left out as what holds almost
    no vessel: their mean is near that of air, a lung's is not.
    """
    parts, count = ndimage.label(ndimage.binary_opening(values < AIR))
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    means = ndimage.mean(values, parts, range(count + 1))
    outside = set(parts[[0, -1], -1].ravel())
    kept = [
        part
        for part in range(1, count + 1)
        if sizes[part] >= LEAST_VOXELS and part not in outside and means[part] > ALL_AIR
    ]
    return ndimage.binary_closing(np.isin(parts, kept), iterations=2)


class CtLungs(Task):
    """Sigmoid of one channel; the Dice on val chooses."""

    batch = 4
    learning_rate = 3e-3
    average_decay = 0.98

    def items(self, split: str) -> list[Scan]:
        scans = read_split(split)
        return scans * CROPS_PER_VOLUME if split == "train" else scans

    def sample(self, item: Scan, rng: np.random.Generator) -> Arrays:
        room = np.maximum(np.array(item.image.shape) - GRID, 0)
        start = [int(rng.integers(0, n + 1)) for n in room]
        place = tuple(slice(s, s + g) for s, g in zip(start, GRID, strict=True))
        image, lungs = (_padded(array[place]) for array in (item.image, item.lungs))
        flips = [axis for axis in range(2) if rng.random() < 0.5]
        image, lungs = np.flip(image, flips), np.flip(lungs, flips)
        image = image * rng.uniform(0.95, 1.05) + rng.uniform(-0.03, 0.03)
        image = image + rng.uniform(0, 0.03) * rng.standard_normal(image.shape, np.float32)
        return np.float32(np.clip(image, 0, 1))[None], np.float32(lungs)[None]

    def loss(self, output: torch.Tensor, *targets: torch.Tensor) -> torch.Tensor:
        (lungs,) = targets
        p = torch.sigmoid(output)
        soft_dice = 1 - (2 * (p * lungs).sum() + 1) / ((p + lungs).sum() + 1)
        return soft_dice + functional.binary_cross_entropy_with_logits(output, lungs)

    def scores(self, network: nn.Module, items: Sequence[Scan]) -> dict[str, float]:
        found = [dice(predict(network, item.image) >= 0.5, item.lungs) for item in items]
        return {"score": float(np.mean(found))}


def predict(network: nn.Module, image: np.ndarray) -> np.ndarray:
    """Give p of lung on the whole scan at once; zeros fill it up to sides divisible by 8."""
    sides = [(0, -n % 8) for n in image.shape]
    p = torch.sigmoid(network(torch.from_numpy(np.pad(image, sides))[None, None]))[0, 0].numpy()
    return p[tuple(slice(n) for n in image.shape)]


def _thorax(name: str) -> Scan:
    values, step = _read(name)
    lungs = lungs_by_rule(values)
    image = _ready(values, step)
    share = resample(lungs.astype(np.float32), image.shape, (SPACING / step,) * 3, area=True)
    return Scan(name, image, share >= 0.5)


def _read(name: str) -> tuple[np.ndarray, float]:
    file = nibabel.as_closest_canonical(nibabel.load(data_root() / "ct" / f"{name}.nii.gz"))
    return np.asarray(file.dataobj, dtype=np.float32), float(file.header.get_zooms()[0])


def _ready(values: np.ndarray, step: float) -> np.ndarray:
    if step != SPACING:
        size = [int(np.ceil(n * step / SPACING - 1e-6)) for n in values.shape]
        values = resample(values, size, (SPACING / step,) * 3, area=True)
    return apply_intensity(values[None], INTENSITY, normalize=False, eight_bit=False)[0]


def _padded(array: np.ndarray) -> np.ndarray:
    return np.pad(array, [(0, g - n) for g, n in zip(GRID, array.shape, strict=True)])
