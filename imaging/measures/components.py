"""Connected regions of a stored map, 8-connected in a picture and 26-connected in a volume."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging.measures.probability import Map, Mask

_TOUCHING_26 = np.ones((3, 3, 3), dtype=bool)
_FEW = 64  # regions
_CALM = 8  # left edges in a row
_EVERY = 4  # row is looked at for that


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One connected region, cut out in its box.

    origin  first corner of the box (z, y, x) on the image's grid.
    q       the map inside the region, 0 elsewhere; uint8 (Z, Y, X) of the box.
    px      number of pixels of the region.
    solid   it is known to have no hole; False where nobody looked.
    """

    origin: tuple[int, int, int]
    q: Map
    px: int
    solid: bool = False

    @property
    def mask(self) -> Mask:
        return np.asarray(self.q > 0)

    @property
    def box(self) -> tuple[slice, slice, slice]:
        z, y, x = (slice(o, o + n) for o, n in zip(self.origin, self.q.shape, strict=True))
        return z, y, x

    @property
    def first_voxel(self) -> tuple[int, int, int]:
        """The region's first pixel in reading order (z, y, x): it breaks ties of size."""
        z, y, x = np.unravel_index(int(np.argmax(self.q > 0)), self.q.shape)
        return (self.origin[0] + int(z), self.origin[1] + int(y), self.origin[2] + int(x))


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """What a cut at some level leaves: regions worth listing, and the rest."""

    parts: list[Part]
    specks: Map | None  # the map inside the specks, 0 elsewhere, on the same box


def split(q: Map, level: int, min_px: int, origin: tuple[int, int, int] = (0, 0, 0)) -> Split:
    """Return the connected regions of q >= level; `q` is uint8 (Z, Y, X), a box at `origin`.

    Regions below `min_px` pixels are specks. Parts come in no particular order.
    """
    found = _label(q >= level)
    big = found.sizes >= min_px
    parts = []
    for number in map(int, np.flatnonzero(big)):
        box = found.boxes[number]
        corner = tuple(o + s.start for o, s in zip(origin, box, strict=True))
        parts.append(
            Part(
                (corner[0], corner[1], corner[2]),
                q[box] * found.only(number),
                int(found.sizes[number]),
                found.solid[number],
            )
        )
    if big.all():
        return Split(parts, None)
    return Split(parts, found.lifted(q, np.flatnonzero(~big)))


def lesion_mask(q: Map, level: int, min_px: int) -> Mask:
    """Return q >= level without its specks: bool (Z, Y, X), what n counts."""
    mask = np.asarray(q >= level)
    if _surely_big(mask, min_px):
        return mask
    found = _label(mask)
    big = found.sizes >= min_px
    return mask if big.all() else found.picked(np.concatenate([[False], big]))


def _surely_big(mask: Mask, min_px: int) -> bool:
    """Return whether every region of a picture is so long or high that it cannot be a speck."""
    outlines = _outlines(_bytes(mask[0])) if len(mask) == 1 else None
    if outlines is None or len(outlines) > _FEW:
        return False
    return all(max(cv2.boundingRect(outline.points)[2:]) >= min_px for outline in outlines)


def count(mask: Mask) -> int:
    """Return how many connected regions a bool mask (Z, Y, X) holds."""
    if mask.shape[0] == 1:
        plane = _bytes(mask[0])
        outlines = _outlines(plane)
        if outlines is not None:
            return len(outlines)
        return int(cv2.connectedComponents(plane, connectivity=8)[0]) - 1
    return int(ndimage.label(mask, structure=_TOUCHING_26)[1])


def largest_component(mask: Mask) -> Mask:
    """Return the largest connected region of a bool mask (Z, Y, X); ties: the first one."""
    found = _label(mask)
    return np.asarray(found.labels == np.argmax(found.sizes) + 1) if len(found.sizes) else mask


def fill_slices(mask: Mask) -> Mask:
    """Return the mask (Z, Y, X) with the holes of every slice filled."""
    return np.stack([fill_holes(plane) for plane in mask])


def fill_holes(plane: Mask) -> Mask:
    """Return a bool mask (Y, X) with its holes filled: background that no 4-path leads out of."""
    padded = np.pad(_bytes(plane), 1)
    cv2.floodFill(padded, None, (0, 0), 2, flags=4)
    return np.asarray(padded[1:-1, 1:-1] != 2)


def planes_of(mask: Mask) -> Iterator[Mask]:
    """Yield each 8-connected region of a bool mask (Y, X), cut out in its box."""
    found = _label(mask[None])
    for number in range(len(found.sizes)):
        yield found.only(number)[0]


_Box = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class _Labelled:
    """Labels 1…n (Z, Y, X) and of each region its size, its box and whether it has no hole.

    The labels of a single region may be its own uint8 of 0 and 1.
    """

    labels: NDArray[np.integer]
    sizes: NDArray[np.int64]
    boxes: list[_Box]
    solid: list[bool]

    def only(self, number: int) -> Mask:
        """Return region `number` + 1, cut out in its box."""
        cut = self.labels[self.boxes[number]]
        return cut.view(np.bool_) if cut.dtype == np.uint8 else np.asarray(cut == number + 1)

    def picked(self, chosen: NDArray[np.bool_]) -> Mask:
        """Return where labels are `chosen`, plane by plane: an index takes 8 bytes a pixel."""
        found = np.empty(self.labels.shape, dtype=bool)
        for plane, labels in zip(found, self.labels, strict=True):
            plane[:] = chosen[labels]
        return found

    def lifted(self, q: Map, numbers: NDArray[np.integer]) -> Map:
        """Return `q` inside the regions named, 0 elsewhere."""
        if len(numbers) > _FEW:
            chosen = np.isin(np.arange(len(self.sizes) + 1), numbers + 1)
            return np.where(self.picked(chosen), q, np.uint8(0))
        lifted = np.zeros_like(q)
        for number in numbers:
            box = self.boxes[number]
            lifted[box] += q[box] * self.only(number)
        return lifted


@dataclass(frozen=True, slots=True, eq=False)
class _Outline:
    """Where a region of a picture ends, OpenCV's (n, 1, 2), and whether it has no hole."""

    points: Any
    solid: bool


def _label(mask: Mask) -> _Labelled:
    if mask.shape[0] == 1:
        return _label_picture(mask)
    labels, number = ndimage.label(mask, structure=_TOUCHING_26)
    labels = np.asarray(labels, dtype=np.int32)
    sizes = np.zeros(number + 1, dtype=np.int64)
    for plane in labels:  # counted at once they would be brought to 8 bytes a pixel
        counts = np.bincount(plane.ravel())
        sizes[: len(counts)] += counts
    boxes = ndimage.find_objects(labels)
    return _Labelled(labels, sizes[1:], boxes, [False] * len(boxes))


def _label_picture(mask: Mask) -> _Labelled:
    """As `_label`, by outlines where there are few: OpenCV's own table takes ten times as long."""
    plane = _bytes(mask[0])
    outlines = _outlines(plane)
    if outlines is None or len(outlines) > _FEW:
        return _label_table(plane)
    labels: Any = plane  # one region is the usual case inside a lesion: it labels itself
    if len(outlines) > 1:
        labels = cv2.connectedComponents(plane, connectivity=8)[1]
    first = [labels[outline.points[0, 0, 1], outline.points[0, 0, 0]] for outline in outlines]
    outlines = [outlines[number] for number in np.argsort(first)]
    boxes = _boxes([cv2.boundingRect(outline.points) for outline in outlines])
    found = _Labelled(labels[None], np.zeros(0, np.int64), boxes, [one.solid for one in outlines])
    sizes = [np.count_nonzero(found.only(number)) for number in range(len(boxes))]
    return replace(found, sizes=np.array(sizes, dtype=np.int64))


def _label_table(plane: Map) -> _Labelled:
    table: Any = cv2.connectedComponentsWithStats(plane, connectivity=8)
    _, labels, stats, _ = table
    sizes = stats[1:, cv2.CC_STAT_AREA].astype(np.int64)
    return _Labelled(labels[None], sizes, _boxes(stats[1:, :4]), [False] * len(sizes))


def _outlines(plane: Map) -> list[_Outline] | None:
    """Return the outline of each region of 0 and 1 (Y, X); None: it is noise, do not try."""
    some = plane[::_EVERY]
    if np.count_nonzero(some[:, 1:] > some[:, :-1]) > _CALM * len(some):
        return None
    found, tree = cv2.findContours(plane, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return [
        _Outline(points, bool(tree[0, number, 2] < 0))  # [next, previous, first hole, parent]
        for number, points in enumerate(found)
        if tree[0, number, 3] < 0
    ]


def _bytes(plane: Mask) -> Map:
    """Return 0 and 1 in the row order that OpenCV needs; a transposed volume has another."""
    return np.ascontiguousarray(plane).view(np.uint8)


def _boxes(found: Any) -> list[_Box]:
    """Return (z, y, x) slices of OpenCV's (x, y, width, height)."""
    return [
        (slice(0, 1), slice(y, y + height), slice(x, x + width))
        for x, y, width, height in np.asarray(found).tolist()
    ]
