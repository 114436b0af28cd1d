"""Reads the chest X-ray sets: image and lung mask pairs, by split."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
TRAINING_SET = "cxr_montgomery"
EXTERNAL_SET = "cxr_shenzhen_external"


@dataclass(frozen=True, slots=True)
class Pair:
    """A radiograph (Y, X) uint8 and its reference lung mask (Y, X) uint8 of 0 and 255."""

    name: str
    image: np.ndarray
    mask: np.ndarray


def data_root() -> Path:
    """Give the folder of the data sets: `$MEDISCAN_DATA`, else `../shared/data`."""
    return Path(os.environ.get("MEDISCAN_DATA") or REPOSITORY.parent / "shared" / "data")


def read_split(split: str, root: Path | None = None) -> list[Pair]:
    """Read one split (train, val or test) of the Montgomery set, in the order of its labels.csv."""
    folder = (root or data_root()) / TRAINING_SET
    with (folder / "labels.csv").open(newline="") as rows:
        names = [row["file"] for row in csv.DictReader(rows) if row["split"] == split]
    if not names:
        raise ValueError(f"labels.csv of {TRAINING_SET} has no split named {split!r}")
    return read_pairs(folder, names)


def read_external(root: Path | None = None) -> list[Pair]:
    """Read the Shenzhen pairs, which are for evaluation only."""
    folder = (root or data_root()) / EXTERNAL_SET
    return read_pairs(folder, sorted(path.name for path in (folder / "images").glob("*.png")))


def read_pairs(folder: Path, names: Sequence[str]) -> list[Pair]:
    """Read `images/NAME` and `masks/NAME` for each name."""
    pairs = []
    for name in names:
        image, mask = _read_grey(folder / "images" / name), _read_grey(folder / "masks" / name)
        if image.shape != mask.shape:
            raise ValueError(f"{name}: image {image.shape} and mask {mask.shape} differ in shape")
        pairs.append(Pair(name, image, np.where(mask > 0, 255, 0).astype(np.uint8)))
    return pairs


def _read_grey(path: Path) -> np.ndarray:
    pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        raise ValueError(f"{path} cannot be read as an image")
    return pixels
