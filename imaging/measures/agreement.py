"""How far the members of an ensemble agree: Dice by pair, range of areas."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from imaging.measures.components import lesion_mask
from imaging.measures.numbers import rounded
from imaging.measures.probability import Map, Mask, mask_at
from imaging.measures.reference import dice
from imaging.measures.region import Region, region_of
from imaging.measures.size import area_hundredths, area_text, min_size_px
from imaging.measures.threshold import threshold_level
from imaging.types import Volume

LEAST_DICE = 0.5
MOST_TIMES = 2.0


def agreement(
    maps: Mapping[str, Map],
    volume: Volume,
    threshold: float,
    min_size: int | float | None = None,
    reference: Region | Mask | None = None,
    areas: Mapping[str, int] | None = None,
) -> dict[str, Any] | None:
    """Return how far the members agree at one threshold, ready for JSON; None for one member.

    `maps` are the members' stored maps, uint8 (Z, Y, X), by name. Dice is of
    the masks q >= T (both empty: null); areas are n as `measure` counts it, which
    `member_areas` gives.
    They disagree when a pair has Dice below 0.5, when one finds nothing and
    another something, or when the areas differ more than twofold. Source: MEASURES §4.
    """
    if len(maps) < 2:
        return None
    region = reference if isinstance(reference, Region) else region_of(volume, reference)
    if areas is None:
        areas = member_areas(maps, volume, threshold, min_size, region)
    pairs = _pairs(maps, threshold_level(threshold))
    known = [(value, a, b) for a, b, value in pairs if value is not None]
    disagree, sentence = _verdict(known, areas, region)
    ends = [min(areas.values()), max(areas.values())]
    return {
        "pairwise_dice": [{"a": a, "b": b, "dice": rounded(value)} for a, b, value in pairs],
        "mean_dice": rounded(sum(v for v, _, _ in known) / len(known)) if known else None,
        "area_range_px": ends,
        "area_range_percent": [area_hundredths(px, region.px) / 100 for px in ends],
        "disagree": disagree,
        "sentence": sentence,
    }


def member_areas(
    maps: Mapping[str, Map],
    volume: Volume,
    threshold: float,
    min_size: int | float | None,
    region: Region,
) -> dict[str, int]:
    """Return n = |M ∩ R| in pixels for each member, specks left out."""
    level, min_px = threshold_level(threshold), min_size_px(volume.array.shape, min_size)
    areas = {}
    for name, q in maps.items():
        if q.shape != volume.array.shape:
            raise ValueError(f"The map of {name} {q.shape} is not on the image's grid.")
        mask = lesion_mask(q, level, min_px)
        areas[name] = int(np.count_nonzero(mask if region.mask is None else mask & region.mask))
    return areas


def _pairs(maps: Mapping[str, Map], level: int) -> list[tuple[str, str, float | None]]:
    masks = {name: mask_at(q, level) for name, q in maps.items()}
    return [(a, b, dice(masks[a], masks[b])) for a, b in combinations(masks, 2)]


def _verdict(
    known: list[tuple[float, str, str]], areas: Mapping[str, int], region: Region
) -> tuple[bool, str]:
    """Return whether the members disagree, and one sentence that names the ones that matter."""
    small, large = min(areas, key=areas.__getitem__), max(areas, key=areas.__getitem__)
    if areas[small] == 0 < areas[large]:
        share = area_text(area_hundredths(areas[large], region.px), areas[large])
        return True, (
            f"The models disagree: {small} finds nothing, "
            f"{large} marks {share} of the {region.name}."
        )
    if not known:
        return False, "The models agree: none of them finds anything at this threshold."
    value, a, b = min(known)
    if value < LEAST_DICE:
        return True, f"The models disagree: {a} and {b} overlap with a Dice of only {value:.2f}."
    if areas[large] > MOST_TIMES * areas[small]:
        times = areas[large] / areas[small]
        return True, f"The models disagree: {large} marks {times:.1f} times the area of {small}."
    return (
        False,
        f"The models agree: {a} and {b}, the least alike, overlap with a Dice of {value:.2f}.",
    )
