"""PURE: the planes of an image as people hang them, and one slice of each out of stored bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from math import hypot
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from imaging.sides import LPS, OPPOSITE, Sides

STORED = "stored"  # the slices as they came: of a picture, or where no side is known
_NAMES = {2: "axial", 1: "coronal", 0: "sagittal"}  # by the patient axis (LPS) across the slices
# what rows and columns run along: patient axis, and the sign that means down or to the right
_HUNG = {2: ((1, 1), (0, 1)), 1: ((2, -1), (0, 1)), 0: ((2, -1), (1, 1))}
_COARSE = 2.5  # a volume of such oblong voxels is opened as it was taken
_EVEN = 1.01  # sides that differ by less are drawn as equal

Affine = Sequence[Sequence[float]]


class Bytes(Protocol):
    """Content that is read in parts."""

    def read_range(self, start: int, stop: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Plane:
    """A stack of slices through a stored array (Z, Y, X), turned as people hang them.

    axes    the stored axis (0 = Z) along which slices, rows and columns follow each other.
    flips   whether rows and columns run against the stored order; slices never do.
    shape   (slices, rows, columns).
    pixel   (height, width) of a pixel, in mm where they are known, else in pixels.
    sides   letters at the edges; None: unknown.
    ends    letters before the first and behind the last slice; "": unknown.
    """

    name: str
    axes: tuple[int, int, int]
    flips: tuple[bool, bool]
    shape: tuple[int, int, int]
    pixel: tuple[float, float]
    sides: Sides | None = None
    ends: tuple[str, str] = ("", "")

    def box(self, box: Sequence[int]) -> list[int]:
        """Return a half-open box (z, y, x, z, y, x) as slices, rows and columns of this plane."""
        ends = [(box[axis], box[axis + 3]) for axis in self.axes]
        for place, flip in enumerate(self.flips, start=1):
            if flip:
                low, high = ends[place]
                ends[place] = (self.shape[place] - high, self.shape[place] - low)
        return [low for low, _ in ends] + [high for _, high in ends]

    def point(self, point: Sequence[float]) -> list[float]:
        """Return a voxel index (z, y, x) as slice, row and column of this plane."""
        found = [point[axis] for axis in self.axes]
        for place, flip in enumerate(self.flips, start=1):
            if flip:
                found[place] = self.shape[place] - 1 - found[place]
        return found


def planes_of(
    shape: tuple[int, int, int], affine: Affine | None, spacing: Sequence[float] | None
) -> dict[str, Plane]:
    """Return the planes of an image by name, axial first; a single one where there is no more.

    affine   voxel (x, y, z) to patient LPS mm, None: sides unknown.
    spacing  (z, y, x) in mm or None.
    """
    sides = spacing or _voxel(affine) or (1.0, 1.0, 1.0)
    if shape[0] == 1 or affine is None:
        return {STORED: Plane(STORED, (0, 1, 2), (False, False), shape, (sides[1], sides[2]))}
    follows = _patient_axes(affine)
    return {
        name: _plane(name, normal, follows, affine, shape, sides) for normal, name in _NAMES.items()
    }


def first_plane(planes: dict[str, Plane]) -> Plane:
    """Return the plane to open with: axial, but thick slices as they were taken."""
    taken = next(plane for plane in planes.values() if plane.axes[0] == 0)
    axial = next(iter(planes.values()))
    return taken if max(axial.pixel) > _COARSE * min(axial.pixel) else axial


def read_slice(
    content: Bytes, image: tuple[int, int, int], dtype: str, plane: Plane, index: int
) -> NDArray[Any]:
    """Return slice `index` of `plane` out of little-endian bytes (Z, Y, X), as it is hung.

    Reads what the slice takes: one range, a row of each stored slice, or slice after slice.
    """
    kind = np.dtype(dtype).newbyteorder("<")
    _depth, height, width = image
    row = width * kind.itemsize
    if plane.axes[0] == 0:
        data = content.read_range(index * height * row, (index + 1) * height * row)
        return _hung(np.frombuffer(data, kind).reshape(height, width), plane)
    if plane.axes[0] == 1:
        starts = ((z * height + index) * row for z in range(image[0]))
        data = b"".join(content.read_range(start, start + row) for start in starts)
        return _hung(np.frombuffer(data, kind).reshape(image[0], width), plane)
    columns = [
        np.frombuffer(content.read_range(z * height * row, (z + 1) * height * row), kind)
        .reshape(height, width)[:, index].copy()
        for z in range(image[0])
    ]  # fmt: skip
    return _hung(np.stack(columns), plane)


def slice_of(array: NDArray[Any], plane: Plane, index: int) -> NDArray[Any]:
    """Return slice `index` of `plane` out of an array (Z, Y, X), as it is hung."""
    return _hung(array.take(index, axis=plane.axes[0]), plane)


def as_stored(hung: NDArray[Any], plane: Plane) -> NDArray[Any]:
    """Return a slice of `plane` with its two axes in stored order: what `slice_of` hung."""
    rows, columns = (slice(None, None, -1 if flip else None) for flip in plane.flips)
    turned = hung[rows, columns]
    return np.ascontiguousarray(turned.T if plane.axes[1] > plane.axes[2] else turned)


def square_size(plane: Plane) -> tuple[int, int]:
    """Return (rows, columns) of a slice drawn in square pixels, the smaller side kept."""
    (_, rows, columns), (height, width) = plane.shape, plane.pixel
    if max(height, width) <= _EVEN * min(height, width):
        return rows, columns
    if height > width:
        return max(1, round(rows * height / width)), columns
    return rows, max(1, round(columns * width / height))


def _hung(stored: NDArray[Any], plane: Plane) -> NDArray[Any]:
    """Turn the two axes that are left, in stored order, into rows and columns."""
    turned = stored.T if plane.axes[1] > plane.axes[2] else stored
    rows, columns = (slice(None, None, -1 if flip else None) for flip in plane.flips)
    return np.ascontiguousarray(turned[rows, columns])


def _plane(
    name: str,
    normal: int,
    follows: tuple[int, int, int],
    affine: Affine,
    shape: tuple[int, int, int],
    sides: Sequence[float],
) -> Plane:
    wanted = _HUNG[normal]
    axes = [follows.index(axis) for axis in (normal, *(axis for axis, _ in wanted))]
    flips = tuple(
        (affine[axis][2 - stored] > 0) != (sign > 0)
        for stored, (axis, sign) in zip(axes[1:], wanted, strict=True)
    )
    bottom, right = (LPS[axis][0 if sign > 0 else 1] for axis, sign in wanted)
    last = LPS[normal][0 if affine[normal][2 - axes[0]] > 0 else 1]
    return Plane(
        name=name,
        axes=(axes[0], axes[1], axes[2]),
        flips=(flips[0], flips[1]),
        shape=(shape[axes[0]], shape[axes[1]], shape[axes[2]]),
        pixel=(float(sides[axes[1]]), float(sides[axes[2]])),
        sides=Sides(OPPOSITE[right], right, OPPOSITE[bottom], bottom),
        ends=(OPPOSITE[last], last),
    )


def _patient_axes(affine: Affine) -> tuple[int, int, int]:
    """Return for the stored axes Z, Y and X the patient axis that each runs along most."""
    long = [hypot(*(row[voxel] for row in affine[:3])) or 1.0 for voxel in range(3)]

    def along(axes: tuple[int, ...]) -> float:
        return sum(abs(affine[axis][2 - z]) / long[2 - z] for z, axis in enumerate(axes))

    z, y, x = max(permutations(range(3)), key=along)
    return z, y, x


def _voxel(affine: Affine | None) -> tuple[float, float, float] | None:
    """Return the sides (z, y, x) of a voxel."""
    if affine is None:
        return None
    x, y, z = (hypot(*(row[voxel] for row in affine[:3])) for voxel in range(3))
    return z, y, x
