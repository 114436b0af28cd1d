"""The numbers of an image that its pages need: checked as they come from the decoding child."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

CHUNK = 4 << 20  # pixels
KINDS = ("calibrated", "detector", "none")
UNITS = ("HU", "stored value")


def image_facts(image: Mapping[str, Any], pixels: Path) -> dict[str, Any]:
    """Return `facts` of an Image row from the child's answer and its pixel file.

    low and high are P1 and P99, minimum and maximum the range, all as real
    values, without padding and non-finite pixels. Raises ValueError when the
    child's numbers cannot be.
    """
    volume = image["volume"]
    facts = {
        "slope": _number(volume["slope"]),
        "intercept": _number(volume["intercept"]),
        "spacing_mm": _numbers(volume["spacing_mm"], 3, above=0),
        "spacing_kind": _one_of(volume["spacing_kind"], KINDS),
        "unit": _one_of(volume["unit"], UNITS),
        "bits": int(_number(volume["bits"])),
        "raster": volume["raster"] is True,
        "affine": _affine(volume["affine"]),
        "padding": None if volume["padding"] is None else _number(volume["padding"]),
        "window": _numbers(volume["window"], 2),
        "uneven": volume.get("uneven") is True,
        "missing": _indices(volume.get("missing") or [], image["shape"][0]),
    }
    stored = stored_range(pixels, image["dtype"], facts["padding"])
    real = [value * facts["slope"] + facts["intercept"] for value in stored]
    low, high = sorted(real[:2])
    minimum, maximum = sorted(real[2:])
    return facts | {"low": low, "high": high, "minimum": minimum, "maximum": maximum}


def stored_range(path: Path, dtype: str, padding: float | None) -> tuple[float, ...]:
    """Return P1, P99, minimum and maximum of the stored values of a raw pixel file.

    Counted in a histogram of single values for 8 and 16 bits (the percentile is
    the value at that rank), over every n-th of at most 4 million pixels for
    others. Zeros when no pixel counts.
    """
    array = np.memmap(path, dtype=np.dtype(dtype).newbyteorder("<"), mode="r")
    if array.dtype.itemsize > 2:
        return _range_of_sample(array, padding)
    info = np.iinfo(array.dtype)
    counts = np.zeros(int(info.max) - int(info.min) + 1, np.int64)
    for start in range(0, array.size, CHUNK):
        piece = array[start : start + CHUNK].astype(np.int64) - int(info.min)
        counts += np.bincount(piece, minlength=counts.size)
    if padding is not None and info.min <= padding <= info.max and padding == int(padding):
        counts[int(padding) - int(info.min)] = 0
    return _range_of_counts(counts, int(info.min))


def _range_of_counts(counts: np.ndarray, first: int) -> tuple[float, ...]:
    present = np.flatnonzero(counts)
    if present.size == 0:
        return (0.0, 0.0, 0.0, 0.0)
    below = np.cumsum(counts)
    ranks = (math.ceil(0.01 * below[-1]), math.ceil(0.99 * below[-1]))
    low, high = (int(np.searchsorted(below, rank)) for rank in ranks)
    return tuple(float(first + value) for value in (low, high, present[0], present[-1]))


def _range_of_sample(array: np.ndarray, padding: float | None) -> tuple[float, ...]:
    minimum, maximum = math.inf, -math.inf
    for start in range(0, array.size, CHUNK):
        piece = _counting(array[start : start + CHUNK], padding)
        if piece.size:
            minimum, maximum = min(minimum, float(piece.min())), max(maximum, float(piece.max()))
    sample = _counting(array[:: max(1, array.size // CHUNK)], padding)
    if minimum > maximum or not sample.size:
        return (0.0, 0.0, 0.0, 0.0)
    low, high = np.percentile(sample, (1, 99), method="inverted_cdf")
    return (float(low), float(high), minimum, maximum)


def _counting(values: np.ndarray, padding: float | None) -> np.ndarray:
    values = values[np.isfinite(values)]
    return values if padding is None else values[values != padding]


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("a fact is no finite number")
    return float(value)


def _numbers(values: Any, count: int, above: float = -math.inf) -> list[float] | None:
    if values is None:
        return None
    numbers = [_number(value) for value in values]
    if len(numbers) != count or min(numbers) <= above:
        raise ValueError(f"{count} numbers above {above} are needed")
    return numbers


def _indices(values: Any, depth: int) -> list[int]:
    if not all(type(value) is int and 0 <= value < depth for value in values):
        raise ValueError("a missing slice lies outside the image")
    return list(values)


def _affine(rows: Sequence[Sequence[float]] | None) -> list[list[float] | None] | None:
    if rows is None:
        return None
    if len(rows) != 4:
        raise ValueError("an affine has four rows")
    return [_numbers(row, 4) for row in rows]


def _one_of(value: Any, words: Sequence[str]) -> str:
    if value not in words:
        raise ValueError(f"a fact is none of {words}")
    return value
