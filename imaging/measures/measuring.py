"""Everything that is measured on one ensemble map: the story on one screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from imaging.measures.background import backgrounds
from imaging.measures.circularity import part_circularity
from imaging.measures.components import Part
from imaging.measures.counting import counts_of
from imaging.measures.intensity import (
    census_by_stop,
    described,
    finite_pixels,
    intensity_range,
)
from imaging.measures.lesions import Setting, lesion_facts
from imaging.measures.numbers import rounded
from imaging.measures.probability import LEVELS, Map, Mask
from imaging.measures.ranges import around, sensitivity_ranges
from imaging.measures.region import Region, region_of
from imaging.measures.rows import Counted, Shape, row_of
from imaging.measures.severity import Rule, counts_whole_image
from imaging.measures.size import is_volume, min_size_px, spacing_2d
from imaging.measures.slices import slice_profile
from imaging.measures.sphericity import sphericity
from imaging.measures.stops import Stop, stops_of
from imaging.measures.threshold import threshold_level, thresholds_around
from imaging.types import Volume


def measure(
    q: Map,
    volume: Volume,
    rule: Rule | Mapping[str, Any] | None,
    threshold: float,
    min_size: int | float | None = None,
    reference: Region | Mask | None = None,
) -> dict[str, Any]:
    """Return every measure of one map at the operating threshold and at 0.05 … 0.95.

    Parameters
    ----------
    q          stored map, uint8 (Z, Y, X), on the grid of `volume`.
    rule       severity rule or its JSON; None: the default cuts of the denominator.
    threshold  operating threshold, 0 < t <= 1.
    min_size   smallest lesion, see `min_size_px`.
    reference  organ mask, bool (Z, Y, X), or a Region of `region_of`; None: as MEASURES §5.

    Returns
    -------
    dict ready for JSON: "operating" row, "table" of rows by rising t, "lesions" at
    the operating threshold, "ranges", "severity_rule", "intensity_range", "slices".

    Raises
    ------
    ValueError
        The map is not uint8 or lies on another grid; threshold, rule, min_size
        or reference is not allowed; the affine is singular.

    Source: MEASURES §3, §5–9.
    """
    _require_same_grid(q, volume)
    here, note = _setting(volume, rule, reference)
    asked = thresholds_around(threshold)
    levels = sorted({threshold_level(t) for t in (*asked, *around(threshold))})
    stops, highest = stops_of(q, levels, min_size_px(volume.array.shape, min_size))
    counted = {found.stop.level: found for found in _count(q, stops, highest, here)}
    table = [row_of(t, counted[threshold_level(t)], here) for t in asked]
    operating = next(row for row in table if row["t"] == round(float(threshold), 10))
    return {
        "operating": operating,
        "table": table,
        "lesions": _lesions(counted[operating["level"]], here),
        "ranges": sensitivity_ranges(
            threshold,
            {level: found.px_inside for level, found in counted.items()},
            highest > levels.index(operating["level"]),
            here.region.mask,
            here.region.px,
        ),
        "severity_rule": {
            **here.rule.to_json(),
            "denominator": here.region.name,
            "denominator_note": here.region.note,
            "note": note,
        },
        "intensity_range": None if here.scale is None else [rounded(end) for end in here.scale],
        "slices": slice_profile(q, operating["level"]),
    }


def measure_at(
    q: Map,
    volume: Volume,
    threshold: float,
    min_size: int | float | None = None,
    reference: Region | Mask | None = None,
) -> dict[str, Any]:
    """Return the row of one map at one threshold, without a word of severity: a label's measures.

    Arguments and errors as of `measure`.
    """
    _require_same_grid(q, volume)
    here, _note = _setting(volume, None, reference)
    stops, highest = stops_of(
        q, [threshold_level(threshold)], min_size_px(volume.array.shape, min_size)
    )
    (found,) = _count(q, stops, highest, here)
    row = row_of(round(float(threshold), 10), found, here)
    return {name: value for name, value in row.items() if not name.startswith("severity")}


def _setting(
    volume: Volume, rule: Rule | Mapping[str, Any] | None, reference: Region | Mask | None
) -> tuple[Setting, str]:
    asked = rule if rule is None or isinstance(rule, Rule) else Rule.from_json(rule)
    region = reference
    if not isinstance(region, Region):
        region = region_of(volume, region, foreground=not counts_whole_image(asked))
    valid = finite_pixels(volume)
    fits, note = _rule_for(asked, region.name)
    return Setting(volume, region, valid, intensity_range(volume, valid), fits), note


def _rule_for(rule: Rule | None, denominator: str) -> tuple[Rule, str]:
    """Return the rule in force; cuts made for another denominator would mislead."""
    if rule is None:
        return Rule.default(denominator), f"default cuts for the {denominator}"
    if rule.basis == denominator:
        return rule, ""
    return Rule.default(denominator), (
        f"The rule's cuts are for the {rule.basis}; the area is counted of the {denominator}, "
        "so the default cuts for that are used."
    )


def _count(q: Map, stops: list[Stop], highest: Map, here: Setting) -> list[Counted]:
    """Return what is counted at every stop, in one pass over the pixels for all of them."""
    last = len(stops)
    raw = _nested(q, None, LEVELS)
    inside = _nested(highest, here.region.mask, last)
    behind = backgrounds(here.volume, highest, last, here.region.mask, here.valid)
    usable = highest > 0 if here.valid is None else (highest > 0) & here.valid
    censuses = census_by_stop(here.volume.array[usable], highest[usable], last, here.volume)
    shapes = _Shapes(here.volume)
    return [
        Counted(
            stop=stop,
            raw_px=int(raw[stop.level]),
            px_inside=int(inside[number]),
            values=described(censuses[number - 1], here.scale),
            behind=behind[number - 1],
            shapes=[shapes.of(part) for part in stop.parts],
        )
        for number, stop in enumerate(stops, start=1)
    ]


def _nested(numbers: Map, mask: Mask | None, last: int) -> np.ndarray:
    """Return for k = 0…`last` how many pixels of uint8 (Z, Y, X) are at least k."""
    return counts_of(numbers, last, mask)[::-1].cumsum()[::-1]


def _lesions(found: Counted, here: Setting) -> list[dict[str, Any]]:
    return [
        lesion_facts(number, part, shape[0], here)
        for number, (part, shape) in enumerate(
            zip(found.stop.parts, found.shapes, strict=True), start=1
        )
    ]


class _Shapes:
    """The shape of each lesion, measured once however many thresholds leave it whole."""

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        self._known: dict[Part, Shape] = {}

    def of(self, part: Part) -> Shape:
        if part not in self._known:
            self._known[part] = (part_circularity(part, spacing_2d(self._volume)), self._ball(part))
        return self._known[part]

    def _ball(self, part: Part) -> float | None:
        if not is_volume(self._volume) or self._volume.spacing_mm is None:
            return None
        return sphericity(part.mask, self._volume.spacing_mm)


def _require_same_grid(q: Map, volume: Volume) -> None:
    if q.dtype != np.uint8:
        raise ValueError(f"A stored map is uint8, not {q.dtype}.")
    if q.shape != volume.array.shape or q.ndim != 3:
        raise ValueError(
            f"The map {q.shape} and the image {volume.array.shape} lie on different grids."
        )
