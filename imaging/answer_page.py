"""The page of a result without a measured map: classes, boxes, or why there is nothing."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from imaging.answer_tables import ResultBox
from imaging.display import default_window, image_planes, presets
from imaging.film_page import film
from imaging.gate_page import gate_context
from imaging.measures.numbers import half_up
from imaging.models import Result
from imaging.palettes import DEFAULT_PALETTE, PALETTES, palette
from imaging.planes import first_plane
from imaging.result_page import PALETTE_NAMES, member_context, neighbours, sides, spacing_text

LEGEND_PARTS = 15
SALIENCY = "saliency-"


@dataclass(frozen=True, slots=True)
class AnswerDisplay:
    """How the reader wants the picture drawn; values that make no sense fall back."""

    mode: str
    palette: str
    opacity: float
    center: float
    width: float
    slice: int
    map: str

    @classmethod
    def from_query(cls, query: QueryDict, result: Result) -> AnswerDisplay:
        maps = saliency_maps(result)
        asked, default = query.get("map", ""), next(iter(maps), "")
        center, width = _pair(query.get("window", ""), default_window(result.image))
        return cls(
            mode="off" if query.get("mode") == "off" else first_mode(result),
            palette=query["palette"] if query.get("palette") in PALETTES else DEFAULT_PALETTE,
            opacity=_whole(query.get("opacity", ""), 55, 100) / 100,
            center=center,
            width=width,
            slice=_whole(query.get("slice", ""), _first_slice(result), result.image.depth - 1),
            map=asked if asked in maps else default,
        )

    @property
    def percent(self) -> int:
        return round(self.opacity * 100)

    @property
    def query(self) -> str:
        return (
            f"palette={self.palette}&opacity={self.percent}"
            f"&window={self.center:g},{self.width:g}&slice={self.slice}&map={self.map}"
        )


def saliency_maps(result: Result) -> dict[str, str]:
    """Return the names of the maps that show where the models looked, with their labels."""
    labels = result.decision.get("saliency", ())
    return {f"{SALIENCY}{number}": label for number, label in enumerate(labels)}


def first_mode(result: Result) -> str:
    """Return what lies over the picture at first: heat, boxes, or nothing."""
    if saliency_maps(result):
        return "heat"
    return "boxes" if result.type == "detection" and result.is_analysed else "off"


def answer_context(result: Result, display: AnswerDisplay, user) -> dict:
    """Return everything the template shows. The caller has checked that `user` may see it."""
    image = result.image
    boxes = list(result.boxes.all())
    maps = saliency_maps(result)
    return {
        "result": result,
        "image": image,
        "run": result.job.run,
        "display": display,
        "classes": _class_rows(result),
        "boxes": boxes,
        "drawn": [_drawn(one, image) for one in boxes if one.plane == display.slice],
        "stroke": round(max(image.width, image.height) / 320, 2),
        "letters": round(max(image.width, image.height) / 34, 2),
        "maps": maps.items(),
        "shown_map": maps.get(display.map, ""),
        "modes": _modes(result, bool(maps)),
        "palettes": PALETTE_NAMES.items(),
        "presets": [(name, f"{c:g},{w:g}", (c, w) == (display.center, display.width))
                    for name, (c, w) in presets(image).items()],
        "spacing": spacing_text(image, first_plane(image_planes(image))),
        "sides": sides(image),
        "legend": _legend(display.palette),
        "neighbours": neighbours(result, user),
        "film": film(result, user),
        "slices": image.depth,
        "last_slice": image.depth - 1,
        "config": _config(result, display, boxes, list(maps)),
        "has_spread": False,
        "thresholds": result.decision.get("thresholds", {}).items(),
        **gate_context(result, user),
        **member_context(result),
    }  # fmt: skip


def _class_rows(result: Result) -> list[dict]:
    """Return each class with its bar of 200, likeliest first."""
    kind = result.decision.get("kind", "")
    rows = []
    for line in sorted(result.classes.all(), key=lambda one: (-one.p, one.position)):
        rows.append(
            {
                "line": line,
                "bar": round(200 * line.p, 1),
                "tick": round(200 * line.threshold, 1) if kind == "multi-label" else None,
                "members": sorted(line.members.items()),
            }
        )
    return rows


def _drawn(box: ResultBox, image) -> dict:
    """Return a box for the picture, its name above it or, at the upper edge, below."""
    letters = max(image.width, image.height) / 34
    above = box.y0 > 1.4 * letters
    return {
        "box": box,
        "text": f"{box.name} {box.label} {half_up(box.score)}",
        "text_y": round(box.y0 - 0.4 * letters if above else box.y1 + 1.1 * letters, 2),
    }


def _modes(result: Result, has_maps: bool) -> list[tuple[str, str]]:
    shown = [("off", _("Off"))]
    if has_maps:
        shown.append(("heat", _("Heatmap")))
    if result.type == "detection" and result.is_analysed:
        shown.append(("boxes", _("Boxes")))
    return shown


def _legend(name: str) -> list[tuple[str, str]]:
    table = palette(name)
    return [(f"{(255 - level) / 2.55:.1f}%", f"#{table[level].tobytes().hex()}")
            for level in range(255, -1, -255 // LEGEND_PARTS)]  # fmt: skip


def _config(
    result: Result, display: AnswerDisplay, boxes: list[ResultBox], maps: list[str]
) -> dict:
    """What the browser needs to draw; no identity."""
    image, facts = result.image, result.image.facts
    spacing = facts.get("spacing_mm")
    return {
        "pixels": reverse("imaging:image-pixels", args=[image.pk]),
        "maps": {name: reverse("imaging:result-map", args=[result.pk, name]) for name in maps},
        "map": display.map,
        "depth": image.depth,
        "height": image.height,
        "width": image.width,
        "dtype": image.dtype,
        "slope": facts.get("slope", 1),
        "intercept": facts.get("intercept", 0),
        "minimum": facts["minimum"],
        "maximum": facts["maximum"],
        "spacing": spacing[1:] if spacing else None,
        "spacingKind": facts.get("spacing_kind", "none"),
        "center": display.center,
        "windowWidth": display.width,
        "slice": display.slice,
        "lesions": [],
        "boxes": [
            {"name": one.name, "text": f"{one.name} {one.label} {half_up(one.score)}",
             "box": [one.x0, one.y0, one.x1, one.y1], "slice": one.plane} for one in boxes
        ],
    }  # fmt: skip


def _first_slice(result: Result) -> int:
    """Return the slice of the best box, else the middle one."""
    best = result.boxes.first()
    return best.plane if best else result.image.depth // 2


def _whole(text: str, default: int, high: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and int(text) <= high else default


def _pair(text: str, default: tuple[float, float]) -> tuple[float, float]:
    try:
        center, width = (float(part) for part in text.split(","))
    except ValueError:
        return default
    return (center, width) if abs(center) < 1e9 and 1 <= width < 1e9 else default
