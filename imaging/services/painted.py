"""The slices that a reader painted, joined to the mask that they were painted over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from accounts.models import Blob
from accounts.vault.storage import blob_open
from imaging.models import Image, Result
from imaging.planes import Plane, as_stored, planes_of
from imaging.services.refusals import NotPossible
from imaging.services.reviews import review_numbered

MOST_VOXELS = 1 << 25  # of all slices in one saving: 128 of a CT; 4 MiB on the way here

Mask = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Painting:
    """What was painted over a mask.

    bits    1 bit per pixel, row by row, the first bit highest; each slice begins a new byte.
    plane   the plane of its slices, by name; "": the image as it is stored.
    slices  their numbers, from 0, rising; empty: all of them.
    base    number of the version whose mask it was begun with; 0: the models' map.
    level   where that map was cut, 1 to 255.
    """

    bits: bytes
    plane: str = ""
    slices: tuple[int, ...] = ()
    base: int = 0
    level: int = 1


def most_slices(plane: Plane) -> int:
    """Return how many slices of `plane` one saving may bring: a picture its only one."""
    return max(1, MOST_VOXELS // (plane.shape[1] * plane.shape[2]))


def most_bytes(image: Image) -> int:
    """Return how many bytes one saving may bring, whatever its plane."""
    depth, rows, columns = image.shape
    slice_px = max(rows * columns, depth * rows, depth * columns)
    return max(MOST_VOXELS, slice_px) // 8 + max(image.shape)


def mask_joined(result: Result, painting: Painting) -> Iterator[bytes]:
    """Return the new mask, one byte 0 or 1 per voxel, slice by stored slice (Z, Y, X).

    Memory holds one slice beside what was painted, at most 32 MiB.
    Raises: NotPossible, before the first slice.
    """
    image = result.image
    plane = _plane(image, painting.plane)
    painted = _unpacked(plane, painting)
    kept, level = _base(result, painting)
    return _joined(image, plane, painted, kept, level)


def _plane(image: Image, name: str) -> Plane:
    planes = planes_of(image.shape, image.facts.get("affine"), image.facts.get("spacing_mm"))
    plane = planes.get(name) if name else next(p for p in planes.values() if p.axes[0] == 0)
    if plane is None:
        raise NotPossible(_("This image has no such plane. Load the page again."))
    return plane


def _unpacked(plane: Plane, painting: Painting) -> dict[int, Mask]:
    """Return what was painted by slice number, its two axes in stored order."""
    depth, rows, columns = plane.shape
    numbers = painting.slices or tuple(range(depth))
    each = -(-rows * columns // 8)
    if len(painting.bits) != len(numbers) * each or numbers[-1] >= depth:
        raise NotPossible(
            _("This mask is not of the size of the image, %(w)d × %(h)d pixels. Paint it again.")
            % {"w": columns, "h": rows}
        )
    if len(numbers) > most_slices(plane):
        raise NotPossible(
            _("At most %(n)s slices are saved at once: save, then paint on.")
            % {"n": most_slices(plane)}
        )
    packed = np.frombuffer(painting.bits, np.uint8).reshape(len(numbers), each)
    found = {}
    for number, bits in zip(numbers, packed, strict=True):
        hung = np.unpackbits(bits, count=rows * columns).reshape(rows, columns)
        found[number] = as_stored(hung, plane)
    return found


def _base(result: Result, painting: Painting) -> tuple[Blob, int]:
    """Return what was painted over, and from which level on it is the mask."""
    if not painting.base:
        return result.maps.select_related("blob").get(name="ensemble").blob, painting.level
    review = review_numbered(result, painting.base)
    if review is None or review.mask is None:
        raise NotPossible(_("The mask that you began with is not there. Load the page again."))
    return review.mask, 1


def _joined(
    image: Image, plane: Plane, painted: dict[int, Mask], kept: Blob, level: int
) -> Iterator[bytes]:
    length = image.height * image.width
    with blob_open(kept) as content:
        for z in range(image.depth):
            if plane.axes[0] == 0 and z in painted:
                yield painted[z].tobytes()
                continue
            levels = np.frombuffer(content.read_range(z * length, (z + 1) * length), np.uint8)
            mask = (levels >= level).astype(np.uint8).reshape(image.height, image.width)
            if plane.axes[0] == 1:
                for row, one in painted.items():
                    mask[row] = one[z]
            elif plane.axes[0] == 2:
                for column, one in painted.items():
                    mask[:, column] = one[z]
            yield mask.tobytes()
