"""One lesion in numbers: size, place, shape and the picture's values inside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import cv2
import numpy as np

from imaging.measures.circularity import LEAST_PX
from imaging.measures.components import Part
from imaging.measures.diameter import equivalent_diameter, maximum_diameter
from imaging.measures.intensity import Described, census, described
from imaging.measures.numbers import rounded
from imaging.measures.probability import Mask
from imaging.measures.region import Region
from imaging.measures.severity import Rule
from imaging.measures.size import (
    IS_PICTURE,
    IS_VOLUME,
    area_hundredths,
    is_volume,
    pixel_mm2,
    pixel_mm2_reason,
    voxel_ml,
    voxel_ml_reason,
    voxel_sides,
)
from imaging.types import Volume

ALL_OUTSIDE = "All of it lies outside the denominator."
TOO_SMALL = f"Below {LEAST_PX} pixels a shape is not measured."
NO_VALUES = "No pixel in it has a value."
ONE_VALUE = "The picture has one value only."


@dataclass(frozen=True, slots=True)
class Setting:
    """What all lesions and all rows of one image share; masks are bool (Z, Y, X), None: all."""

    volume: Volume
    region: Region
    valid: Mask | None
    scale: tuple[float, float] | None
    rule: Rule


def lesion_facts(number: int, part: Part, roundness: float | None, here: Setting) -> dict[str, Any]:
    """Return one LESION: plain numbers for JSON, and a reason for every one that is null.

    `number` counts from 1 in the order of size; `tracking_uid` is fresh (2.25,
    DICOM PS3.5 B.2). Areas are of the whole lesion, the percentage of what
    lies inside the denominator. Source: MEASURES §6, §7.
    """
    mask = part.mask
    values = _values(part, mask, here)
    sides, unit = voxel_sides(here.volume)
    reasons: dict[str, str] = {}
    facts = {
        "label": f"L{number}",
        "px": part.px,
        **_size(part, mask, here, reasons),
        "centroid": [rounded(c) for c in _centroid(part, mask)],
        "box": [*part.origin, *(s.stop for s in part.box)],
        **_intensity(values, reasons),
        "circularity": rounded(roundness),
        "touches_border": touches_border(part, mask, here),
        "equivalent_diameter": rounded(
            equivalent_diameter(part.px, sides, solid=is_volume(here.volume))
        ),
        "maximum_diameter": rounded(maximum_diameter(mask, sides)),
        "unit": unit,
        "tracking_uid": f"2.25.{uuid4().int}",
    }
    if roundness is None:
        reasons["circularity"] = TOO_SMALL
    if part.px == 1:
        reasons["maximum_diameter"] = "A single pixel has no diameter."
    return {**facts, "reasons": reasons}


def touches_border(part: Part, mask: Mask, here: Setting) -> bool:
    """Return whether the lesion meets the outer row, column or slice, or padding."""
    shape = here.volume.array.shape
    for box, length in zip(part.box, shape, strict=True):
        if length > 1 and (box.start == 0 or box.stop == length):
            return True
    if here.volume.padding is None:
        return False
    wide = tuple(slice(max(0, s.start - 1), s.stop + 1) for s in part.box)
    padding = here.volume.array[wide] == here.volume.padding
    if not padding.any():
        return False
    lesion = np.zeros(padding.shape, dtype=bool)
    inner = tuple(
        slice(s.start - w.start, s.stop - w.start) for s, w in zip(part.box, wide, strict=True)
    )
    lesion[inner] = mask
    return bool((_neighbours(padding) & lesion).any())


def _neighbours(mask: Mask) -> Mask:
    """Return the mask grown by one pixel in its slices, and by one slice up and down."""
    planes = np.ascontiguousarray(mask).view(np.uint8)
    grown = np.stack([cv2.dilate(plane, np.ones((3, 3))) for plane in planes]) > 0
    padded = np.pad(grown, ((1, 1), (0, 0), (0, 0)))
    return np.asarray(padded[:-2] | padded[1:-1] | padded[2:])


def _size(part: Part, mask: Mask, here: Setting, reasons: dict[str, str]) -> dict[str, Any]:
    inside = part.px
    if here.region.mask is not None:
        inside = int(np.count_nonzero(here.region.mask[part.box] & mask))
    if inside == 0:
        reasons["area_percent"] = ALL_OUTSIDE
    solid = is_volume(here.volume)
    mm2 = None if solid else pixel_mm2(here.volume)
    ml = voxel_ml(here.volume) if solid else None
    if mm2 is None:
        reasons["area_mm2"] = IS_VOLUME if solid else pixel_mm2_reason(here.volume)
    if ml is None:
        reasons["volume_ml"] = voxel_ml_reason(here.volume) if solid else IS_PICTURE
    return {
        "area_percent": area_hundredths(inside, here.region.px) / 100 if inside else None,
        "area_mm2": None if mm2 is None else rounded(part.px * mm2),
        "volume_ml": None if ml is None else rounded(part.px * ml),
    }


def _values(part: Part, mask: Mask, here: Setting) -> Described | None:
    stored = here.volume.array[part.box]
    usable = mask if here.valid is None else mask & here.valid[part.box]
    return described(census(stored[usable], here.volume), here.scale)


def _intensity(values: Described | None, reasons: dict[str, str]) -> dict[str, float | None]:
    if values is None:
        reasons.update(dict.fromkeys(("average_intensity", "mean", "sd"), NO_VALUES))
        return {"average_intensity": None, "mean": None, "sd": None}
    if values.average is None:
        reasons["average_intensity"] = ONE_VALUE
    return {
        "average_intensity": rounded(values.average),
        "mean": rounded(values.mean),
        "sd": rounded(values.sd),
    }


def _centroid(part: Part, mask: Mask) -> list[float]:
    """Return the mean pixel index (z, y, x) on the image's grid."""
    centre = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        along = mask.sum(axis=others)
        centre.append(part.origin[axis] + float(along @ np.arange(len(along))) / part.px)
    return centre
