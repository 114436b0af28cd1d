"""The denominator of the affected area: organ, foreground or the whole image less padding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imaging.measures.components import fill_slices, largest_component
from imaging.measures.intensity import finite_pixels, real_values
from imaging.measures.probability import Mask
from imaging.measures.severity import FOREGROUND, ORGAN, WHOLE_IMAGE
from imaging.types import Volume

BODY_HU = -500.0
LEAST_SHARE = 0.05
BY_RULE = "the whole image, as the severity rule says"
_XRAY = {"CR", "DX", "DR", "RG", "MG", "PX", "IO", "RF", "XA", "XRAY", "X-RAY"}
_MRI = {"MR", "MRI"}


@dataclass(frozen=True, slots=True)
class Region:
    """R, what a lesion's share is counted of.

    name  "organ", "foreground" or "whole image": printed beside every percentage.
    mask  bool (Z, Y, X), or None: every pixel.
    px    |R|.
    note  how R was found, in words.
    """

    name: str
    mask: Mask | None
    px: int
    note: str


def region_of(volume: Volume, organ: Mask | None = None, *, foreground: bool = True) -> Region:
    """Return the first that exists: organ, foreground, whole image less padding.

    foreground  False: the severity rule counts by the whole image. A crop that lies wholly
                inside a body has no foreground: a cut would part one tissue from another.

    `organ` is a bool mask (Z, Y, X) on the image's grid; its holes are filled
    slice by slice; an empty one counts as none. Raises ValueError when its
    shape differs, it is not boolean, or no pixel of the image has a value.
    Source: MEASURES §5.
    """
    if organ is not None:
        _require_mask(organ, volume.array.shape)
        if organ.any():
            filled = fill_slices(organ)
            return Region(ORGAN, filled, int(filled.sum()), "the organ mask, holes filled")
    valid = finite_pixels(volume)
    if valid is not None and not valid.any():
        raise ValueError("Every pixel of this image is padding or not a number.")
    mask, note = _foreground(volume, valid) if foreground else (None, BY_RULE)
    if mask is not None:
        mask = mask if valid is None else mask & valid
        if (px := int(mask.sum())) >= LEAST_SHARE * mask.size:
            return Region(FOREGROUND, None if px == mask.size else mask, px, note)
        note = f"the whole image, because the foreground ({note}) fills under 5 % of it"
    whole = volume.array.size if valid is None else int(valid.sum())
    return Region(WHOLE_IMAGE, valid, whole, note)


def _foreground(volume: Volume, valid: Mask | None) -> tuple[Mask | None, str]:
    kind = volume.modality.strip().upper()
    if kind in _XRAY:
        return without_borders(volume.array), "the image without its constant borders"
    if kind == "CT" and volume.unit == "HU":
        return _body(volume, valid, BODY_HU), "above -500 HU, largest part, holes filled"
    if kind in _MRI:
        cut = otsu(volume.array if valid is None else volume.array[valid])
        cut = float(real_values(np.float64(cut), volume))
        return _body(volume, valid, cut), "above Otsu's cut, largest part, holes filled"
    return None, "the whole image" if valid is None else "the whole image without padding"


def _body(volume: Volume, valid: Mask | None, cut: float) -> Mask:
    above = np.stack([real_values(plane, volume) > cut for plane in volume.array])
    return fill_slices(largest_component(above if valid is None else above & valid))


def otsu(values: np.ndarray) -> float:
    """Return the cut that best parts `values` (any unit, 256 bins) in two; pixels above it count.

    Source: Otsu N, IEEE Trans SMC 9(1), 1979. doi:10.1109/TSMC.1979.4310076
    """
    if values.size == 0 or values.min() == values.max():
        return float("inf")
    counts, edges = np.histogram(values, bins=256)
    centres = (edges[:-1] + edges[1:]) / 2
    below, above = np.cumsum(counts), np.cumsum(counts[::-1])[::-1]
    mean_below = np.cumsum(counts * centres) / np.maximum(below, 1)
    mean_above = np.cumsum((counts * centres)[::-1])[::-1] / np.maximum(above, 1)
    between = below[:-1] * above[1:] * (mean_below[:-1] - mean_above[1:]) ** 2
    # a value on an edge lies in the bin above it
    return float(np.nextafter(edges[int(np.argmax(between)) + 1], -np.inf))


def without_borders(array: np.ndarray) -> Mask:
    """Return bool (Z, Y, X): the image less the outer rows and columns of one constant value."""
    box = [[0, array.shape[1]], [0, array.shape[2]]]
    for axis in (0, 1, 0):  # rows again: a column may have hidden a border above it
        _strip(array, box, axis)
    keep = np.zeros(array.shape, dtype=bool)
    keep[:, slice(*box[0]), slice(*box[1])] = True
    return keep


def _strip(array: np.ndarray, box: list[list[int]], axis: int) -> None:
    lines = np.moveaxis(array[:, slice(*box[0]), slice(*box[1])], axis + 1, 0)
    first, last = 0, len(lines)
    while first < last and _constant(lines[first], lines[0]):
        first += 1
    while last > first and _constant(lines[last - 1], lines[-1]):
        last -= 1
    box[axis] = [box[axis][0] + first, box[axis][0] + last]


def _constant(line: np.ndarray, outermost: np.ndarray) -> bool:
    return bool(outermost.size) and bool((line == outermost.flat[0]).all())


def _require_mask(mask: Mask, shape: tuple[int, ...]) -> None:
    if mask.dtype != np.bool_:
        raise ValueError(f"The organ mask must be boolean, not {mask.dtype}.")
    if mask.shape != shape:
        raise ValueError(f"The organ mask {mask.shape} lies on another grid than {shape}.")
