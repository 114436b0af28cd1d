"""The files that `analyze` leaves for each input: mask, probability, overlay."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from imaging.formats.nifti_mask import encode_nifti
from imaging.formats.png import encode_png
from imaging.formats.window import window_slice
from imaging.measures.probability import Map, Mask, mask_at, threshold_level
from imaging.palettes import heat_over
from imaging.types import Volume


def pictures_write(folder: Path, volume: Volume, q: Map, threshold: float) -> None:
    """Write mask.png (a volume: mask.nii.gz), probability.npy and overlay.png into `folder`.

    q   the ensemble's map, uint8 (Z, Y, X), on the grid of `volume`.

    The overlay of a volume shows the slice with most of the finding.
    """
    mask = mask_at(q, threshold_level(threshold))
    np.save(folder / "probability.npy", q)
    if len(mask) == 1:
        (folder / "mask.png").write_bytes(encode_png(mask[0], level=1))
    else:
        content = encode_nifti(mask, mask.shape, affine=volume.affine, spacing=volume.spacing_mm)
        (folder / "mask.nii.gz").write_bytes(content)
    index = fullest_slice(mask)
    overlay = heat_over(window_slice(volume, index), q[index])
    (folder / "overlay.png").write_bytes(encode_png(overlay, level=1, adaptive=False))


def saliency_write(folder: Path, volume: Volume, q: Map, label: str) -> None:
    """Write saliency-<label>.png: where a classifier looked, relative to its own maximum."""
    plain = re.sub(r"[^a-z0-9]+", "-", label.casefold()).strip("-") or "label"
    index = int(q.reshape(len(q), -1).max(axis=1).argmax())
    seen = heat_over(window_slice(volume, index), q[index])
    (folder / f"saliency-{plain}.png").write_bytes(encode_png(seen, level=1, adaptive=False))


def fullest_slice(mask: Mask) -> int:
    """Return the slice with most pixels in the mask; the middle one when there are none."""
    pixels = np.count_nonzero(mask, axis=(1, 2))
    return int(pixels.argmax()) if pixels.any() else len(mask) // 2
