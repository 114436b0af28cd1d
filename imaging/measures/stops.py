"""The lesions at every threshold: each one is looked for inside those of the threshold below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from imaging.measures.components import Part, count, split
from imaging.measures.probability import Map


@dataclass(frozen=True, slots=True, eq=False)
class Stop:
    """What is left of the map at one level.

    parts   regions of at least the smallest size, by size falling, ties by first voxel.
    specks  number of regions below it; speck_px, the pixels they hold together.
    """

    level: int
    parts: tuple[Part, ...]
    specks: int
    specks_px: int

    @property
    def px(self) -> int:
        return sum(part.px for part in self.parts)


def stops_of(q: Map, levels: Sequence[int], min_px: int) -> tuple[list[Stop], Map]:
    """Return one Stop for each of the rising `levels` of a map, uint8 (Z, Y, X), and their map.

    The map says for each pixel the highest stop (1, 2 …) whose lesions hold it, 0 for none.
    A region of a higher level lies inside one region of the level below, so
    only those are searched, masked by their label; a region that the next cut
    leaves whole is kept as it is. Source: PERFORMANCE §3, rule 3.
    """
    found: list[Stop] = []
    specks = _Specks(q.shape)
    frame = [_everything(q)]
    for number, level in enumerate(levels, start=1):
        parts: list[Part] = []
        for part in found[-1].parts if found else frame:
            if found and np.count_nonzero(part.q >= level) == part.px:
                parts.append(part)
                continue
            cut = split(part.q, level, min_px, part.origin)
            parts += cut.parts
            if cut.specks is not None:
                specks.add(part, cut.specks, number)
        number, px = specks.at(level)
        found.append(Stop(level, in_order(parts), number, px))
    return found, specks.taken_from(_passed(q, levels))


def _passed(q: Map, levels: Sequence[int]) -> Map:
    """Return how many of the rising `levels` each pixel reaches."""
    table = np.searchsorted(levels, np.arange(256), side="right").astype(np.uint8)
    return np.stack([cv2.LUT(plane, table) for plane in q])


def in_order(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return the parts by size falling, ties by first voxel: L1, L2 …"""
    sizes = [part.px for part in parts]
    if len(set(sizes)) == len(sizes):
        return tuple(sorted(parts, key=lambda part: -part.px))
    return tuple(sorted(parts, key=lambda part: (-part.px, part.first_voxel)))


class _Specks:
    """The map inside all specks met so far; what is small stays small at higher levels."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._q: Map | None = None
        self._since: Map | None = None  # the stop at which a pixel became one of a speck

    def add(self, part: Part, specks: Map, stop: int) -> None:
        if self._q is None:
            self._q = np.zeros(self._shape, dtype=np.uint8)
        if self._since is None:
            self._since = np.zeros(self._shape, dtype=np.uint8)
        np.maximum(self._q[part.box], specks, out=self._q[part.box])
        self._since[part.box][specks > 0] = stop

    def taken_from(self, passed: Map) -> Map:
        """Return the stops that pixels passed as lesions: those before they became specks."""
        if self._since is None:
            return passed
        return np.where(self._since > 0, self._since - np.uint8(1), passed)

    def at(self, level: int) -> tuple[int, int]:
        """Return how many specks there are at `level`, and their pixels."""
        if self._q is None:
            return 0, 0
        left = self._q >= level
        px = int(np.count_nonzero(left))
        if px == 0:
            self._q = None
            return 0, 0
        return count(left), px


def _everything(q: Map) -> Part:
    return Part((0, 0, 0), q, q.size)
