"""The pictures that are measured: real chest X-rays where there are some, else the phantom."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from imaging.formats.png import encode_png
from imaging.samples import chest_phantom

ROOT = Path(__file__).resolve().parents[1]
FOLDER = "cxr_shenzhen_external"
SIDE = 1024


@dataclass(frozen=True, slots=True)
class Pictures:
    """PNG files in memory, and where they come from in words."""

    files: list[bytes]
    origin: str

    @property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for data in self.files:
            digest.update(data)
        return digest.hexdigest()


def pictures(count: int, side: int = SIDE) -> Pictures:
    """Return `count` different 8-bit pictures of `side`² pixels, the same ones every time."""
    folder = Path(os.environ.get("MEDISCAN_DATA", ROOT.parent / "shared" / "data")) / FOLDER
    paths = sorted((folder / "images").glob("*.png"))
    if not paths:
        phantom = chest_phantom(side)
        files = [encode_png(_grained(phantom, number)) for number in range(count)]
        return Pictures(files, f"drawn phantom, {side} px")
    files = [
        encode_png(_enlarged(paths[number % len(paths)], side, again=number // len(paths)))
        for number in range(count)
    ]
    return Pictures(files, f"{FOLDER}, enlarged to {side} px")


def _enlarged(path: Path, side: int, again: int) -> np.ndarray:
    with Image.open(io.BytesIO(path.read_bytes())) as picture:
        grey = np.asarray(picture.convert("L").resize((side, side), Image.Resampling.BICUBIC))
    return _grained(grey, again) if again else grey


def _grained(picture: np.ndarray, number: int) -> np.ndarray:
    """Add fine noise, another for each number: no two files are the same to the upload."""
    noise = np.random.default_rng(number).normal(0, 2, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)
