"""How far the members of an ensemble agree: disagreement map, Dice by pair, range of areas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def shares(weights: Sequence[float]) -> NDArray[np.float64]:
    """Return the weights over their sum. ValueError: negative, not finite, or all zero."""
    if not all(isfinite(weight) and weight >= 0 for weight in weights) or not sum(weights) > 0:
        raise ValueError(f"Weights are 0 or more and not all 0, not {list(weights)}.")
    return np.asarray(weights, dtype=np.float64) / sum(weights)


def disagreement_map(
    probabilities: Sequence[NDArray[np.floating]], weights: Sequence[float]
) -> Map | None:
    """Return σ = √Σ w (p - p̄)², the weighted SD of the members, stored as floor(510 σ + ½).

    `probabilities` are the members' maps on one grid, 0..1; σ is 0..0.5
    without unit, stored 0..255. None for one member, a member of weight 0
    counting as none. Raises ValueError for weights that `shares` refuses or
    maps that differ in shape. Source: MEASURES §4; Lakshminarayanan 2017.
    """
    if len(probabilities) != len(weights):
        raise ValueError(f"{len(probabilities)} maps cannot take {len(weights)} weights.")
    taken = [(p, w) for p, w in zip(probabilities, shares(weights), strict=True) if w > 0]
    if len(taken) < 2:
        return None
    if len({p.shape for p, _ in taken}) > 1:
        raise ValueError(f"The members' maps differ in shape: {[p.shape for p, _ in taken]}.")
    mean = sum(np.float32(w) * np.asarray(p, np.float32) for p, w in taken)
    variance = sum(np.float32(w) * (np.asarray(p, np.float32) - mean) ** 2 for p, w in taken)
    return np.floor(np.sqrt(variance) * 510 + 0.5).clip(0, 255).astype(np.uint8)


def agreement(
    maps: Mapping[str, Map],
    volume: Volume,
    threshold: float,
    min_size: int | float | None = None,
    reference: Region | Mask | None = None,
) -> dict[str, Any] | None:
    """Return how far the members agree at one threshold, ready for JSON; None for one member.

    `maps` are the members' stored maps, uint8 (Z, Y, X), by name. Dice is of
    the masks q >= T (both empty: null); areas are n as `measure` counts it.
    They disagree when a pair has Dice below 0.5, when one finds nothing and
    another something, or when the areas differ more than twofold. Source: MEASURES §4.
    """
    if len(maps) < 2:
        return None
    region = reference if isinstance(reference, Region) else region_of(volume, reference)
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
