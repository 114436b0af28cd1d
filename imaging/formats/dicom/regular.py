"""One regular grid through the slices of a stack: what is missing, slanted or uneven is said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from imaging.formats.dicom.geometry import MAX_MM, MIN_MM, Affine, Plane, Vector
from imaging.formats.dicom.grouping import in_order, overlap
from imaging.formats.dicom.places import Place
from imaging.types import Refused

EVEN, BEARABLE = 0.05, 0.25  # how far a slice may lie off the grid, in parts of the step
# how far a gap may be off the median before no volume is measured: a part of it (MEASURES §5), and
# what positions written with two decimals differ by
GAP_PART, GAP_MM = 0.01, 0.011
MISSING_PART = 0.1  # of the slices that are there
TILTED_DEGREES = 0.5
_GAPS_NAMED = 3
_DIGITS = 6  # of a millimetre: what lies below is the noise of the fit


@dataclass(frozen=True, slots=True)
class Grid:
    """order: the slices from first to last; slots: where each lies among `depth` slices."""

    order: tuple[Place, ...]
    slots: tuple[int, ...]
    depth: int
    spacing_mm: tuple[float, float, float] | None
    affine: Affine | None
    warnings: tuple[str, ...]
    uneven: bool = False

    @property
    def missing(self) -> tuple[int, ...]:
        return tuple(sorted(set(range(self.depth)) - set(self.slots)))


def lay(stack: Sequence[Place]) -> Grid:
    """Return the grid of a stack of two or more slices; raises Refused where there is none."""
    twins = overlap(stack)
    if twins is not None:
        raise _one_place(*twins)
    order = in_order(stack)
    planes = [place.plane for place in order if place.plane is not None]
    if len(planes) < len(order):
        return _by_number(order)
    positions = np.array([plane.position for plane in planes], dtype=np.float64)
    heights = positions @ np.array(planes[0].normal)
    slots = _slots(heights)
    first, step, off = _fit(positions, slots)
    _check_even(off, step)
    spacing, warnings = _spacing(order[0], planes[0], step)
    return Grid(
        order=tuple(order),
        slots=tuple(int(slot) for slot in slots),
        depth=int(slots[-1]) + 1,
        spacing_mm=spacing,
        affine=Plane(first, planes[0].along_row, planes[0].down_column).affine(spacing, step),
        warnings=(*_gaps(slots), *_unevenness(off, step), *warnings),
        uneven=_has_uneven_gaps(heights, slots),
    )


def _has_uneven_gaps(heights: NDArray[np.float64], slots: NDArray[np.int64]) -> bool:
    """Whether a gap is more than 1 % off the median; one over missing slices counts as theirs."""
    gaps = np.diff(heights) / np.diff(slots)
    middle = float(np.median(gaps))
    return bool(np.abs(gaps - middle).max() > max(GAP_PART * middle, GAP_MM))


def _by_number(order: list[Place]) -> Grid:
    """The order of the file, and nothing more: no distance, no sides."""
    return Grid(
        order=tuple(order),
        slots=tuple(range(len(order))),
        depth=len(order),
        spacing_mm=None,
        affine=None,
        warnings=(
            "The slices do not say where they lie: they stand in the order of their numbers, "
            "left and right are not known, and nothing is measured in millimetres.",
        ),
    )


def _slots(heights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return each slice's index; a gap of n steps counts n. Drift does not add up."""
    gaps = np.diff(heights)
    step = float(np.median(gaps))
    steps = np.maximum(1, np.rint(gaps / step)).astype(np.int64)
    return np.concatenate([[0], np.cumsum(steps)])


def _fit(
    positions: NDArray[np.float64], slots: NDArray[np.int64]
) -> tuple[Vector, Vector, NDArray[np.float64]]:
    """Return the first place and the step of the best line, and each slice's distance from it."""
    columns = np.stack([np.ones(len(slots)), slots.astype(np.float64)], axis=1)
    found, *_ = np.linalg.lstsq(columns, positions, rcond=None)
    off = np.linalg.norm(positions - columns @ found, axis=1)
    return _vector(found[0]), _vector(found[1]), off


def _check_even(off: NDArray[np.float64], step: Vector) -> None:
    length = math.hypot(*step)
    if not MIN_MM <= length <= MAX_MM:
        raise Refused(
            "series-spacing",
            f"This series has slices {length:g} mm apart, which cannot be. Export it again.",
        )
    if off.max() > BEARABLE * length:
        raise Refused(
            "series-uneven",
            f"This series has slices at uneven distances: up to {off.max():.2f} mm off an even "
            f"step of {length:.2f} mm. Send the evenly spaced parts one by one, or a "
            "reconstruction with even spacing.",
        )


def _spacing(
    place: Place, plane: Plane, step: Vector
) -> tuple[tuple[float, float, float], list[str]]:
    """Return (z, y, x) in mm, z along the normal, so that their product is a voxel's volume."""
    down, along = place.spacing or (1.0, 1.0)
    height = abs(sum(a * b for a, b in zip(step, plane.normal, strict=True)))
    warnings = []
    tilt = math.degrees(math.acos(min(1.0, height / math.hypot(*step))))
    if tilt > TILTED_DEGREES:
        warnings.append(
            f"The slices are stacked at a slant of {tilt:.1f}° (gantry tilt); it is kept."
        )
    if place.distance and abs(place.distance - height) > 0.1 * height:
        warnings.append(
            f"The slices lie {height:.2f} mm apart; the file speaks of {place.distance:g} mm. "
            "Their places are believed."
        )
    return (round(height, _DIGITS), down, along), warnings


def _gaps(slots: NDArray[np.int64]) -> list[str]:
    """Name what is missing, counted as the volume counts, from 1; Refused when it is too much."""
    gaps = [(int(a) + 1, int(b) + 1) for a, b in pairwise(slots) if b - a > 1]
    missing = sum(after - before - 1 for before, after in gaps)
    if missing > max(1, MISSING_PART * len(slots)):
        raise Refused(
            "series-gaps",
            f"This series lacks {missing:,} of {int(slots[-1]) + 1:,} slices. "
            "Send it whole, or its parts one by one.",
        )
    said = [
        f"{after - before - 1} {'slices are' if after - before > 2 else 'slice is'} missing "
        f"between {before} and {after} and left empty."
        for before, after in gaps[:_GAPS_NAMED]
    ]
    more = sum(after - before - 1 for before, after in gaps[_GAPS_NAMED:])
    return [*said, f"{more} more slices are missing and left empty."] if more else said


def _unevenness(off: NDArray[np.float64], step: Vector) -> list[str]:
    if off.max() <= EVEN * math.hypot(*step):
        return []
    return [f"The slices are spaced unevenly, up to {off.max():.2f} mm off."]


def _one_place(one: Place, other: Place) -> Refused:
    if one.file == other.file:
        return Refused(
            "dicom-cine",
            "This file holds several frames in one place: a film, or phases that it does not tell "
            "apart. Send the one volume or frame you need.",
        )
    where = f"numbers {one.number} and {other.number}"
    return Refused(
        "series-one-place",
        f"This series has two slices in one place ({where}), and nothing tells which is meant. "
        "Send each version as a series of its own.",
    )


def _vector(parts: NDArray[np.float64]) -> Vector:
    x, y, z = (round(float(part), _DIGITS) for part in parts)
    return x, y, z
