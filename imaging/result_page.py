"""What the result page shows: one stored result, its pictures, its numbers by threshold."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from imaging.formats.window import CT_WINDOW, window_between
from imaging.measures.threshold import threshold_level
from imaging.models import Image, Result, Severity
from imaging.palettes import DEFAULT_PALETTE, PALETTES, palette
from imaging.selectors import results_visible_to
from imaging.sides import Sides, sides_of

SHOWN = ("area_percent", "average_intensity", "ratio", "circularity")
LEGEND_PARTS = 15
MODES = ("heat", "mask", "outline", "disagreement", "off")
CT_PRESETS = {  # name: (center, width) in HU
    "Soft tissue": CT_WINDOW,
    "Lung": (-600.0, 1500.0),
    "Liver": (90.0, 150.0),
    "Bone": (480.0, 2500.0),
    "Brain": (40.0, 80.0),
}
PALETTE_NAMES = {"redgreen": "Red–green", "cividis": "Cividis", "viridis": "Viridis",
                 "magma": "Magma"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Display:
    """How the reader wants the picture drawn; values that make no sense fall back to the stored."""

    mode: str
    palette: str
    opacity: float
    threshold: float
    center: float
    width: float
    slice: int

    @classmethod
    def from_query(cls, query: QueryDict, result: Result) -> Display:
        center, width = _pair(query.get("window", ""), default_window(result.image))
        shown = row_at(result, _number(query.get("t", ""), result.threshold, 0.001, 1))
        return cls(
            mode=_one_of(query.get("mode", ""), MODES),
            palette=_one_of(query.get("palette", ""), PALETTES),
            opacity=_number(query.get("opacity", ""), 55, 0, 100) / 100,
            threshold=shown["t"],
            center=center,
            width=width,
            slice=int(_number(query.get("slice", ""), result.image.depth // 2, 0,
                              result.image.depth - 1)),
        )  # fmt: skip

    @property
    def level(self) -> int:
        return threshold_level(self.threshold)

    @property
    def percent(self) -> int:
        return round(self.opacity * 100)

    @property
    def query(self) -> str:
        return (
            f"t={self.threshold:g}&palette={self.palette}&opacity={self.percent}"
            f"&window={self.center:g},{self.width:g}&slice={self.slice}"
        )


def row_at(result: Result, threshold: float) -> dict:
    """Return the table's row nearest to `threshold`."""
    return min(result.table, key=lambda row: abs(row["t"] - threshold))


def default_window(image: Image) -> tuple[float, float]:
    """Return (center, width) in real values: the file's own, CT 40/400, else P1 to P99."""
    facts = image.facts
    if facts.get("window"):
        return tuple(facts["window"])
    if image.dicom_modality == "CT" and facts.get("unit") == "HU":
        return CT_WINDOW
    low, high = facts["low"], facts["high"]
    return window_between(low, high) if high > low else window_between(*_full(image))


def presets(image: Image) -> dict[str, tuple[float, float]]:
    """Return the windows to choose from, by name."""
    found = {_("Default"): default_window(image)}
    if image.dicom_modality == "CT" and image.facts.get("unit") == "HU":
        return found | CT_PRESETS
    return found | {_("Full range"): window_between(*_full(image))}


def page_context(result: Result, display: Display, user) -> dict:
    """Return everything the template shows. The caller has checked that `user` may see it."""
    image = result.image
    members = list(result.members.select_related("member__model_version"))
    maps = {one.name for one in result.maps.all()}
    row = row_at(result, display.threshold)
    return {
        "result": result,
        "image": image,
        "run": result.job.run,
        "row": row,
        "display": display,
        "missing": missing_reasons(row),
        "ranges": range_rows(result),
        "is_preview": row["level"] != result.level,
        "members": members,
        "bar": _shares(members),
        "lesions": list(result.lesions.all()),
        "scale": severity_scale(result, row),
        "has_spread": "disagreement" in maps,
        "modes": _modes("disagreement" in maps),
        "palettes": PALETTE_NAMES.items(),
        "presets": _preset_rows(image, display),
        "spacing": _spacing(image),
        "sides": sides(image),
        "legend": _legend(display),
        "hashes": [next(iter(one.member.model_version.sha256.values()), "")[:8] for one in members],
        "neighbours": _neighbours(result, user),
        "slices": image.depth,
        "severity_words": Severity.choices,
        "config": _config(result, display, maps),
    }


def missing_reasons(row: dict) -> list[str]:
    """Return why shown measures have no value, each reason once."""
    found = (row["reasons"][name] for name in SHOWN if row[name] is None)
    return list(dict.fromkeys(found))


def range_rows(result: Result) -> list[tuple[str, str, str]]:
    """Return how the area moves (what was changed, area, area), as it was stored."""
    if not result.ranges:
        return []
    moved = result.ranges["thresholds"]
    rows = []
    if len(moved) == 2:
        low, high = (f"{one['t']:.2f}" for one in moved)
        name = _("Threshold %(low)s, %(high)s") % {"low": low, "high": high}
        rows.append((name, moved[0]["area_text"], moved[1]["area_text"]))
    ends = (result.ranges["eroded_text"], result.ranges["dilated_text"])
    return [*rows, (_("Outline a pixel in, out"), *ends)]


def severity_scale(result: Result, row: dict) -> dict | None:
    """Return where the pin stands on a bar of 340: three zones cut at the rule's areas."""
    cuts = result.severity_rule.get("area")
    value = row["area_percent"]
    if not cuts or value is None:
        return None
    low, high = cuts
    if value < low:
        at = 96 * value / low if low else 0
    elif value <= high:
        at = 98 + 140 * (value - low) / (high - low)
    else:
        at = 240 + 98 * (value - high) / max(100 - high, 1e-9)
    return {"at": round(min(at, 338), 1), "low": low, "high": high}


def sides(image: Image) -> Sides | None:
    """Return the letters at the picture's edges, from what the file says."""
    header = json.loads(image.header or "{}")
    return sides_of(image.facts.get("affine"), header.get("patient_orientation", ()))


def _config(result: Result, display: Display, maps: set[str]) -> dict:
    """What the browser needs to draw; no identity."""
    image, facts = result.image, result.image.facts
    spacing = facts.get("spacing_mm")
    return {
        "pixels": reverse("imaging:image-pixels", args=[image.pk]),
        "map": reverse("imaging:result-map", args=[result.pk, "ensemble"]),
        "spread": reverse("imaging:result-map", args=[result.pk, "disagreement"])
        if "disagreement" in maps
        else None,
        "depth": image.depth,
        "height": image.height,
        "width": image.width,
        "dtype": image.dtype,
        "slope": facts.get("slope", 1),
        "intercept": facts.get("intercept", 0),
        "minimum": facts["minimum"],
        "maximum": facts["maximum"],
        "unit": facts.get("unit", ""),
        "spacing": spacing[1:] if spacing else None,
        "spacingKind": facts.get("spacing_kind", "none"),
        "center": display.center,
        "windowWidth": display.width,
        "slice": display.slice,
        "saved": result.threshold,
        "threshold": display.threshold,
        "cuts": result.severity_rule.get("area"),
        "rows": result.table,
        "lesions": [
            {"label": one.facts["label"], "centroid": one.facts["centroid"],
             "box": one.facts["box"]} for one in result.lesions.all()
        ],
    }  # fmt: skip


def _legend(display: Display) -> dict:
    """The colour bar as stops of a gradient from top to bottom, and what stands at its top."""
    is_spread = display.mode == "disagreement"
    table = palette("magma" if is_spread and display.palette == "redgreen" else display.palette)
    levels = range(255, -1, -255 // LEGEND_PARTS)
    stops = [
        (f"{(255 - level) / 2.55:.1f}%", f"#{table[level].tobytes().hex()}") for level in levels
    ]
    return {
        "stops": stops,
        "top": "0.5" if is_spread else "1.0",
        "tick": None if is_spread else round(4 + 162 * (1 - display.threshold), 1),
    }


def _modes(has_spread: bool) -> list[tuple[str, str, str]]:
    shown = [("off", "off", _("Off")), ("heat", "heat", _("Heatmap")), ("mask", "mask", _("Mask")),
             ("outline", "out", _("Outline"))]  # fmt: skip
    return shown + ([("disagreement", "dis", _("Disagreement"))] if has_spread else [])


def _preset_rows(image: Image, display: Display) -> list[tuple[str, str, bool]]:
    wanted = (display.center, display.width)
    return [
        (name, f"{center:g},{width:g}", (center, width) == wanted)
        for name, (center, width) in presets(image).items()
    ]


def _shares(members: list) -> list[dict]:
    """The members as parts of a bar of 340."""
    parts, at = [], 0.0
    for index, outcome in enumerate(members):
        width = 340 * outcome.member.share
        parts.append({"x": round(at, 1), "width": round(max(width - 2, 0), 1),
                      "colour": index % 6 + 1, "outcome": outcome})  # fmt: skip
        at += width
    return parts


def _spacing(image: Image) -> str:
    spacing, kind = image.facts.get("spacing_mm"), image.facts.get("spacing_kind")
    if not spacing:
        return _("no spacing known: pixels only")
    text = f"{spacing[1]:.3g} × {spacing[2]:.3g} mm/px"
    return text if kind == "calibrated" else _("%(text)s at detector plane") % {"text": text}


def _neighbours(result: Result, user) -> dict:
    """The results before and after this one in its run, of those that `user` may see."""
    pairs = list(
        results_visible_to(user)
        .select_related(None)
        .filter(job__run=result.job.run_id)
        .order_by("job__position")
        .values_list("pk", flat=True)
    )
    at = pairs.index(result.pk)
    return {
        "previous": pairs[at - 1] if at else None,
        "next": pairs[at + 1] if at + 1 < len(pairs) else None,
        "position": at + 1,
        "count": len(pairs),
    }


def _full(image: Image) -> tuple[float, float]:
    low, high = image.facts["minimum"], image.facts["maximum"]
    return low, max(high, low)


def _one_of(value: str, choices) -> str:
    first = choices[0] if choices is not PALETTES else DEFAULT_PALETTE
    return value if value in choices else first


def _number(text: str, default: float, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        return default
    return value if low <= value <= high else default  # NaN is in no range


def _pair(text: str, default: tuple[float, float]) -> tuple[float, float]:
    first, _comma, second = text.partition(",")
    center = _number(first, float("nan"), -1e9, 1e9)
    width = _number(second, float("nan"), 1, 1e9)
    return (center, width) if center == center and width == width else default
