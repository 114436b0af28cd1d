"""The slices of one series sorted into stacks, each on one grid: INTEROP.md §3.

Size, colours, orientation and pixel spacing tell stacks apart always; echo, moment and
acquisition only where two slices would else lie in one place, since some scanners count each
turn of the tube as an acquisition of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from imaging.formats.dicom.places import Place
from imaging.types import Refused

TURNED = 1e-3  # direction cosines that differ by more are another orientation
STRETCHED = 1e-3  # so are, in parts of themselves, pixel spacings
SAME_PLACE_MM = 0.01
MAX_STACKS = 500


def split(places: Sequence[Place]) -> list[list[Place]]:
    """Return the stacks, in the order in which their first slices came; raises Refused."""
    alike: list[list[Place]] = []
    for place in places:
        for stack in alike:
            if _fit(stack[0], place):
                stack.append(place)
                break
        else:
            alike.append([place])
        if len(alike) > MAX_STACKS:
            raise Refused(
                "series-too-mixed",
                f"This series mixes more than {MAX_STACKS} sizes and orientations. "
                "Send its parts one by one.",
            )
    return [part for stack in alike for part in _untangled(stack, 0)]


def in_order(stack: Sequence[Place]) -> list[Place]:
    """Return the slices along the normal, or by number where no place is known."""
    if stack[0].plane is None:
        return sorted(stack, key=lambda place: (place.number or 0, place.file, place.frame))
    normal = stack[0].plane.normal
    return sorted(stack, key=lambda place: _height(place, normal))


def overlap(stack: Sequence[Place]) -> tuple[Place, Place] | None:
    """Return two slices that lie in one place, or have one number, or None."""
    for before, after in pairwise(in_order(stack)):
        if stack[0].plane is None:
            is_same = before.number == after.number
        else:
            normal = stack[0].plane.normal
            is_same = _height(after, normal) - _height(before, normal) < SAME_PLACE_MM
        if is_same:
            return before, after
    return None


def _fit(one: Place, other: Place) -> bool:
    """Whether two slices can lie on one grid."""
    exact = ("shape", "samples", "is_localizer", "stack")
    if any(getattr(one, name) != getattr(other, name) for name in exact):
        return False
    return _is_near(one.spacing, other.spacing, STRETCHED) and _is_parallel(one, other)


def _is_near(one: tuple[float, ...] | None, other: tuple[float, ...] | None, part: float) -> bool:
    if one is None or other is None:
        return one is other
    return all(abs(a - b) <= part * abs(a) for a, b in zip(one, other, strict=True))


def _is_parallel(one: Place, other: Place) -> bool:
    if one.plane is None or other.plane is None:
        return one.plane is other.plane
    mine = one.plane.along_row + one.plane.down_column
    theirs = other.plane.along_row + other.plane.down_column
    return all(abs(a - b) <= TURNED for a, b in zip(mine, theirs, strict=True))


def _untangled(stack: list[Place], aspect: int) -> list[list[Place]]:
    """Split a stack by one aspect after another until no two slices lie in one place."""
    if overlap(stack) is None:
        return [stack]
    if aspect == len(stack[0].aspects):
        # pictures that say neither where they lie nor in which order are no stack
        return [stack] if stack[0].plane else [[place] for place in stack]
    parts: dict[str, list[Place]] = {}
    for place in stack:
        parts.setdefault(place.aspects[aspect], []).append(place)
    return [one for part in parts.values() for one in _untangled(part, aspect + 1)]


def _height(place: Place, normal: tuple[float, float, float]) -> float:
    if place.plane is None:
        return 0.0
    return sum(a * b for a, b in zip(place.plane.position, normal, strict=True))
