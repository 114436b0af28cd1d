"""The slices of one stack decoded and laid into one volume."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imaging.formats.budgets import MIB, Budgets
from imaging.formats.dicom.places import Place
from imaging.formats.dicom.regular import Grid, lay
from imaging.types import Decoded, Refused

Failed = list[tuple[Place, Refused]]
ReadSlice = Callable[[Place], Decoded]
_WIDER = {"uint8": "int16", "uint16": "int32", "int16": "int32"}


@dataclass(frozen=True, slots=True)
class Stacked:
    """decoded: the image, or None when no slice could be read; order: its slices as they lie."""

    decoded: Decoded | None
    order: tuple[Place, ...]
    failed: Failed


def read_stack(stack: Sequence[Place], read_slice: ReadSlice, budgets: Budgets) -> Stacked:
    """Return the stack as one image; a slice that cannot be read counts as missing.

    Raises Refused where no grid goes through the slices, before any is decoded if that can be
    told then.
    """
    if len(stack) > 1:
        _check_size(stack, budgets)
        lay(stack)
    slices, failed = _decode(stack, read_slice)
    left = [place for place in stack if place in slices]
    if not left:
        return Stacked(None, (), failed)
    if len(left) == 1:
        return Stacked(slices[left[0]], (left[0],), failed)
    grid = lay(left)
    _check_budget(grid.depth, left[0], budgets)
    return Stacked(
        _assembled(grid, [slices.pop(place) for place in grid.order]), grid.order, failed
    )


def _check_size(stack: Sequence[Place], budgets: Budgets) -> None:
    if len(stack) > budgets.frames:
        raise Refused(
            "series-too-long",
            f"This series has more than {budgets.frames:,} slices. Send it in parts.",
        )
    _check_budget(len(stack), stack[0], budgets)


def _check_budget(depth: int, place: Place, budgets: Budgets) -> None:
    rows, columns = place.shape
    if depth * rows * columns > budgets.volume_voxels:
        raise Refused(
            "too-many-voxels",
            f"This series is {columns:,} × {rows:,} × {depth:,} voxels; at most "
            f"{budgets.volume_voxels // MIB} million are read. Send it in parts.",
        )


def _decode(stack: Sequence[Place], read_slice: ReadSlice) -> tuple[dict[Place, Decoded], Failed]:
    slices: dict[Place, Decoded] = {}
    failed: Failed = []
    for place in stack:
        try:
            slices[place] = read_slice(place)
        except Refused as refused:
            failed.append((place, refused))
    return slices, failed


def _assembled(grid: Grid, slices: list[Decoded]) -> Decoded:
    """Return one image of the decoded slices, which are let go one by one."""
    first, middle = slices[0], slices[len(slices) // 2]
    volumes = [one.volume for one in slices]
    warnings = dict.fromkeys(remark for one in slices for remark in one.warnings)
    scalings = {(v.array.dtype.name, v.slope, v.intercept) for v in volumes}
    paddings, units = {v.padding for v in volumes}, {v.unit for v in volumes}
    bits, window = max(v.bits for v in volumes), middle.volume.window
    if len(scalings) > 1:
        planes, slope, intercept, padding = _as_real(slices), 1.0, 0.0, None
        if paddings != {None}:
            warnings["Padding differs between the slices and counts as tissue."] = None
    else:
        planes = [one.volume.array[0] for one in slices]
        slope, intercept = first.volume.slope, first.volume.intercept
        padding = paddings.pop() if len(paddings) == 1 else None
    volumes.clear()
    slices.clear()
    array, padding = _laid(grid, planes, padding)
    return replace(
        first,
        volume=replace(
            first.volume,
            array=array,
            slope=slope,
            intercept=intercept,
            spacing_mm=grid.spacing_mm,
            spacing_kind="calibrated" if grid.spacing_mm else "none",
            unit="HU" if units == {"HU"} else "stored value",
            bits=bits,
            affine=grid.affine,
            padding=padding,
            window=window,
            missing=grid.missing,
            uneven=grid.uneven,
        ),
        warnings=(*grid.warnings, *(one for one in warnings if not _is_of_one_slice(one))),
    )


def _as_real(slices: list[Decoded]) -> list[NDArray[Any]]:
    """Real values, where each slice has a scale of its own."""
    return [
        (one.volume.array[0] * np.float64(one.volume.slope) + one.volume.intercept).astype(
            np.float32
        )
        for one in slices
    ]


def _laid(
    grid: Grid, planes: list[NDArray[Any]], padding: float | None
) -> tuple[NDArray[Any], float | None]:
    """Return the volume, and what stands in the place of slices that are missing."""
    dtype = planes[0].dtype
    if grid.missing and padding is None:
        dtype, padding = _room_below(planes)
    array = np.empty((grid.depth, *planes[0].shape), dtype)
    for slot in grid.missing:
        array[slot] = padding
    for slot, at in zip(reversed(grid.slots), range(len(planes) - 1, -1, -1), strict=True):
        array[slot] = planes.pop(at)
    return array, padding


def _room_below(planes: list[NDArray[Any]]) -> tuple[np.dtype[Any], float]:
    """Return a type and a value of it below all that is there: empty slices look black."""
    lowest, dtype = min(plane.min() for plane in planes), planes[0].dtype
    if dtype.kind == "f":
        return dtype, float(np.float32(lowest) - max(1.0, abs(float(lowest)) * 0.01))
    value = int(lowest) - 1
    if value < np.iinfo(dtype).min:
        dtype = np.dtype(_WIDER.get(dtype.name, "float32"))
    return dtype, float(value)


def _is_of_one_slice(remark: str) -> bool:
    """Whether a remark about a lone slice says nothing of the volume."""
    return remark.startswith("No position in the file")
