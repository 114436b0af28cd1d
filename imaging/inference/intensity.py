"""From stored values to the numbers a network was trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from imaging.inference.grids import FloatArray

LOW_PERCENTILE, HIGH_PERCENTILE = 0.5, 99.5


def apply_intensity(
    array: FloatArray, steps: Sequence[Mapping[str, Any]], *, normalize: bool, eight_bit: bool
) -> FloatArray:
    """Return `array` (1, *spatial) after `steps`, or after `normalize` where there are none.

    normalize: 8-bit values divided by 255, others from their own P0.5 and P99.5 to 0..1.
    A step that holds one number per channel answers (C, *spatial). Statistics are those of
    the array a step receives. Source: INTEROP §1.
    """
    if not steps and normalize:
        return array / np.float32(255) if eight_bit else _between(array, *_DEFAULT_PERCENTILES)
    for step in steps:
        array = _STEPS[step["op"]](array, step)
    return array.astype(np.float32, copy=False)


_DEFAULT_PERCENTILES = (LOW_PERCENTILE, HIGH_PERCENTILE)


def _scale(array: FloatArray, step: Mapping[str, Any]) -> FloatArray:
    (low, high), (bottom, top) = step["from"], step["to"]
    scaled = (array - low) * ((top - bottom) / (high - low)) + bottom
    return np.clip(scaled, min(bottom, top), max(bottom, top)) if step["clip"] else scaled


def _window(array: FloatArray, step: Mapping[str, Any]) -> FloatArray:
    """Show the window as 0..1 and clip the rest (DICOM PS3.3 C.11.2.1.3.2, LINEAR_EXACT)."""
    low = step["center"] - step["width"] / 2
    return np.clip((array - low) / step["width"], 0, 1)


def _percentile(array: FloatArray, step: Mapping[str, Any]) -> FloatArray:
    return _between(array, step["low"], step["high"])


def _between(array: FloatArray, low: float, high: float) -> FloatArray:
    """Bring the percentiles `low` and `high` to 0 and 1 and clip; a flat picture is all zero."""
    bottom, top = np.percentile(array, (low, high))
    if top <= bottom:
        return np.zeros_like(array)
    return np.clip((array - np.float32(bottom)) / np.float32(top - bottom), 0, 1)


def _zscore(array: FloatArray, step: Mapping[str, Any]) -> FloatArray:
    """Subtract the mean and divide by the SD (ddof 0); with `nonzero`, zeros stay as they are."""
    counted = array[array != 0] if step["nonzero"] else array
    if step["mean"] == "image":
        mean, std = (float(counted.mean()), float(counted.std())) if counted.size else (0.0, 1.0)
        shift, width = np.float32(mean), np.float32(std or 1.0)
    else:
        shift, width = (_per_channel(step[key], array.ndim) for key in ("mean", "std"))
    scored = (array - shift) / width
    return np.where(array != 0, scored, np.float32(0)) if step["nonzero"] else scored


def _per_channel(value: float | list[float], ndim: int) -> Any:
    column = np.atleast_1d(np.asarray(value, dtype=np.float32))
    return column.reshape(-1, *(1,) * (ndim - 1))


_STEPS: dict[str, Callable[[FloatArray, Mapping[str, Any]], FloatArray]] = {
    "scale": _scale,
    "window": _window,
    "percentile": _percentile,
    "zscore": _zscore,
}
