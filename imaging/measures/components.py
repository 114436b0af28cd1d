"""Connected regions of a stored map, 8-connected in a picture and 26-connected in a volume."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging.measures.probability import Map, Mask

_TOUCHING_26 = np.ones((3, 3, 3), dtype=bool)
_FEW = 64  # regions
_CALM = 8  # left edges in a row


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One connected region, cut out in its box.

    origin  first corner of the box (z, y, x) on the image's grid.
    q       the map inside the region, 0 elsewhere; uint8 (Z, Y, X) of the box.
    px      number of pixels of the region.
    """

    origin: tuple[int, int, int]
    q: Map
    px: int

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
    labels, sizes, boxes = _label(q >= level)
    big = sizes >= min_px
    parts = []
    for number in np.flatnonzero(big):
        box = boxes[number]
        inside = q[box] * (labels[box] == number + 1)
        corner = tuple(o + s.start for o, s in zip(origin, box, strict=True))
        parts.append(Part((corner[0], corner[1], corner[2]), inside, int(sizes[number])))
    if big.all():
        return Split(parts, None)
    small = np.concatenate([[False], ~big])[labels]
    return Split(parts, np.where(small, q, np.uint8(0)))


def lesion_mask(q: Map, level: int, min_px: int) -> Mask:
    """Return q >= level without its specks: bool (Z, Y, X), what n counts."""
    mask = np.asarray(q >= level)
    labels, sizes, _ = _label(mask)
    big = sizes >= min_px
    return mask if big.all() else np.asarray(np.concatenate([[False], big])[labels])


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
    labels, sizes, _ = _label(mask)
    return np.asarray(labels == int(np.argmax(sizes)) + 1) if len(sizes) else mask


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
    labels, sizes, boxes = _label(mask[None])
    for number in range(len(sizes)):
        yield (labels[boxes[number]] == number + 1)[0]


_Boxes = list[tuple[slice, slice, slice]]
_Labels = NDArray[np.integer]


def _label(mask: Mask) -> tuple[_Labels, NDArray[np.int64], _Boxes]:
    """Return labels 1…n (Z, Y, X), the n sizes and the n boxes."""
    if mask.shape[0] == 1:
        return _label_picture(mask)
    labels: _Labels = np.asarray(ndimage.label(mask, structure=_TOUCHING_26)[0], dtype=np.int32)
    return labels, np.bincount(labels.ravel())[1:], ndimage.find_objects(labels)


def _label_picture(mask: Mask) -> tuple[_Labels, NDArray[np.int64], _Boxes]:
    """As `_label`, by outlines where there are few: OpenCV's own table takes ten times as long."""
    plane = _bytes(mask[0])
    outlines = _outlines(plane)
    if outlines is None or len(outlines) > _FEW:
        return _label_table(plane)
    labels: _Labels = plane  # one region is the usual case inside a lesion: it labels itself
    if len(outlines) > 1:
        labels = cv2.connectedComponents(plane, connectivity=8)[1]  # type: ignore[assignment]
    first = [labels[outline[0, 0, 1], outline[0, 0, 0]] for outline in outlines]
    outlines = [outlines[number] for number in np.argsort(first)]
    boxes = _boxes([cv2.boundingRect(outline) for outline in outlines])
    sizes = [np.count_nonzero(labels[None][box] == n) for n, box in enumerate(boxes, start=1)]
    return labels[None], np.array(sizes, dtype=np.int64), boxes


def _label_table(plane: Map) -> tuple[_Labels, NDArray[np.int64], _Boxes]:
    labels: _Labels
    _, labels, stats, _ = cv2.connectedComponentsWithStats(plane, connectivity=8)  # type: ignore[assignment]
    return labels[None], stats[1:, cv2.CC_STAT_AREA].astype(np.int64), _boxes(stats[1:, :4])


def _outlines(plane: Map) -> list[Any] | None:
    """Return the outer outline of each region of 0 and 1 (Y, X); None: it is noise, do not try."""
    if np.count_nonzero(plane[:, 1:] > plane[:, :-1]) > _CALM * len(plane):
        return None
    found, tree = cv2.findContours(plane, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return [outline for number, outline in enumerate(found) if tree[0, number, 3] < 0]


def _bytes(plane: Mask) -> Map:
    """Return 0 and 1 in the row order that OpenCV needs; a transposed volume has another."""
    return np.ascontiguousarray(plane).view(np.uint8)


def _boxes(found: Any) -> _Boxes:
    """Return (z, y, x) slices of OpenCV's (x, y, width, height)."""
    return [
        (slice(0, 1), slice(y, y + height), slice(x, x + width))
        for x, y, width, height in np.asarray(found).tolist()
    ]
