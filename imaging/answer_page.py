"""The page of a result without a measured map: classes, boxes, or why there is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.translation import gettext as _

from imaging.display import default_window, image_planes, presets
from imaging.film_page import film
from imaging.gate_page import gate_context
from imaging.measures.numbers import half_up
from imaging.models import Result
from imaging.models.answers import ResultBox
from imaging.palettes import DEFAULT_PALETTE, PALETTES, palette
from imaging.planes import STORED, Plane
from imaging.result_page import PALETTE_NAMES, member_context, neighbours, sides, spacing_text
from imaging.slice_page import PLANE_NAMES, image_config, map_address

LEGEND_PARTS = 15
SALIENCY = "saliency-"


@dataclass(frozen=True, slots=True)
class AnswerDisplay:
    """How the reader wants the picture drawn; values that make no sense fall back.

    slice  index in `plane`, from 0; in addresses and on the page it counts from 1.
    """

    mode: str
    palette: str
    opacity: float
    center: float
    width: float
    plane: Plane
    slice: int
    map: str

    @classmethod
    def from_query(cls, query: QueryDict, result: Result) -> AnswerDisplay:
        maps = saliency_maps(result)
        asked, default = query.get("map", ""), next(iter(maps), "")
        center, width = _pair(query.get("window", ""), default_window(result.image))
        planes = image_planes(result.image)
        plane = planes.get(query.get("plane", "")) or taken_plane(planes)
        number = _whole(query.get("slice", ""), 0, plane.shape[0])
        return cls(
            mode="off" if query.get("mode") == "off" else first_mode(result),
            palette=query["palette"] if query.get("palette") in PALETTES else DEFAULT_PALETTE,
            opacity=_whole(query.get("opacity", ""), 55, 100) / 100,
            center=center,
            width=width,
            plane=plane,
            slice=number - 1 if number else best_slice(result, plane),
            map=asked if asked in maps else default,
        )

    @property
    def percent(self) -> int:
        return round(self.opacity * 100)

    @property
    def number(self) -> int:
        return self.slice + 1

    @property
    def look(self) -> str:
        """All but the place, as an address takes it."""
        return (
            f"palette={self.palette}&opacity={self.percent}"
            f"&window={self.center:g},{self.width:g}&map={self.map}"
        )

    @property
    def query(self) -> str:
        return f"{self.look}&plane={self.plane.name}&slice={self.number}"


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
    plane = display.plane
    return {
        "result": result,
        "image": image,
        "run": result.job.run,
        "display": display,
        "classes": _class_rows(result),
        "boxes": list(zip(boxes, boxes_hung(boxes, plane), strict=True)),
        "frames": frames(boxes, plane, display.slice),
        "maps": maps.items(),
        "shown_map": maps.get(display.map, ""),
        "modes": _modes(result, bool(maps)),
        "palettes": PALETTE_NAMES.items(),
        "presets": [(name, f"{c:g},{w:g}", (c, w) == (display.center, display.width))
                    for name, (c, w) in presets(image).items()],
        "spacing": spacing_text(image, plane),
        "sides": plane.sides or sides(image),
        "legend": _legend(display.palette),
        "neighbours": neighbours(result, user),
        "film": film(result, user),
        "slices": plane.shape[0],
        "planes": [(name, PLANE_NAMES[name], name == plane.name)
                   for name in image_planes(image) if name != STORED],
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


def boxes_hung(boxes: Sequence[ResultBox], plane: Plane) -> list[dict]:
    """Return boxes as `plane` shows them: [x0, y0, x1, y1] by columns and rows, and their slices.

    slices  half-open, from 0; `slice` is the one to open.
    """
    found = []
    for one in boxes:
        at = [one.plane, one.y0, one.x0, one.plane + 1, one.y1, one.x1]
        z0, y0, x0, z1, y1, x1 = plane.box(at)
        found.append({
            "name": one.name, "text": f"{one.name} {one.label} {half_up(one.score)}",
            "box": [x0, y0, x1, y1], "slices": [z0, z1],
            "slice": min(plane.shape[0] - 1, int((z0 + z1) / 2)),
        })  # fmt: skip
    return found


def frames(boxes: Sequence[ResultBox], plane: Plane, index: int) -> dict:
    """Return the boxes on one slice as a drawing over the server's picture, in square pixels."""
    least = min(plane.pixel)
    high, wide = (side / least for side in plane.pixel)
    width, height = plane.shape[2] * wide, plane.shape[1] * high
    letters = max(width, height) / 34
    drawn = []
    for one in boxes_hung(boxes, plane):
        x0, y0, x1, y1 = (value * side for value, side in
                          zip(one["box"], (wide, high, wide, high), strict=True))  # fmt: skip
        if one["slices"][0] < index + 1 and one["slices"][1] > index:
            above = y0 > 1.4 * letters
            text_y = y0 - 0.4 * letters if above else y1 + 1.1 * letters
            drawn.append({"x": round(x0, 2), "y": round(y0, 2), "width": round(x1 - x0, 2),
                          "height": round(y1 - y0, 2), "text": one["text"],
                          "text_y": round(text_y, 2)})  # fmt: skip
    return {
        "width": round(width, 2), "height": round(height, 2), "drawn": drawn,
        "stroke": round(max(width, height) / 320, 2), "letters": round(letters, 2),
    }  # fmt: skip


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
    plane = display.plane
    return image_config(result.image, plane) | {
        "maps": {name: map_address(result, plane, name) for name in maps},
        "map": display.map,
        "center": display.center,
        "windowWidth": display.width,
        "slice": display.slice,
        "boxes": boxes_hung(boxes, plane),
    }


def taken_plane(planes: dict[str, Plane]) -> Plane:
    """Return the plane whose slices are the stored ones: boxes and maps were found on them."""
    return next(plane for plane in planes.values() if plane.axes[0] == 0)


def best_slice(result: Result, plane: Plane) -> int:
    """Return the slice of the best box, else the middle one."""
    best = result.boxes.first()
    return boxes_hung([best], plane)[0]["slice"] if best else plane.shape[0] // 2


def _whole(text: str, default: int, high: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and int(text) <= high else default


def _pair(text: str, default: tuple[float, float]) -> tuple[float, float]:
    try:
        center, width = (float(part) for part in text.split(","))
    except ValueError:
        return default
    return (center, width) if abs(center) < 1e9 and 1 <= width < 1e9 else default
