"""What the page of two results says: both pictures, both columns of measures, how they differ."""

from __future__ import annotations

from dataclasses import replace

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from imaging.answer_page import best_slice, boxes_hung, frames, saliency_maps
from imaging.compare_answers import box_rows, boxes_matched, class_rows
from imaging.display import Display, presets
from imaging.measures.numbers import mask_px
from imaging.models import Result, ResultBox, Severity
from imaging.planes import STORED
from imaging.result_page import PALETTE_NAMES, sides, spacing_text
from imaging.selectors import results_visible_to
from imaging.slice_page import PLANE_NAMES, image_config, map_address

MOST_LISTED = 50
PLACES = ({"label": _lazy("This result"), "slice_name": "slice"},
          {"label": _lazy("Compared with"), "slice_name": "slice2"})  # fmt: skip
ROWS = (  # name in a table's row, digits, unit
    ("area_percent", 2, "%"),
    ("mask_px", 0, ""),
    ("area_px", 0, ""),
    ("area_mm2", 0, "mm²"),
    ("volume_ml", 2, "ml"),
    ("average_intensity", 1, "0–255"),
    ("ratio", 2, ""),
    ("circularity", 2, ""),
    ("sphericity", 2, ""),
    ("lesions", 0, ""),
)


def comparable_to(result: Result, user) -> QuerySet[Result]:
    """Return the other results of the same patient that `user` may see, the newest study first."""
    found = results_visible_to(user).filter(patient=result.patient_id).exclude(pk=result.pk)
    return found.order_by("-image__study__created_at", "-created_at")


def choice_context(result: Result, user) -> dict:
    """Return the results to choose from: other runs of this image, then other images."""
    found = list(comparable_to(result, user)[: 2 * MOST_LISTED])
    runs = [one for one in found if one.image_id == result.image_id]
    others = [one for one in found if one.image_id != result.image_id]
    return {
        "result": result,
        "lists": [(_("Other runs of this image"), runs[:MOST_LISTED]),
                   (_("Other images of this patient"), others[:MOST_LISTED])],
    }  # fmt: skip


def compare_context(result: Result, other: Result, query: QueryDict) -> dict:
    """Return what the template shows. The caller has checked access to both."""
    second = query.copy()
    if "slice2" in query:
        second["slice"] = query["slice2"]
    elif other.image_id != result.image_id:
        second.pop("slice", None)
    displays = (_display(query, result), _display(second, other))
    panes = [pane_of(one, display, number) | PLACES[number - 1] for number, (one, display) in
             enumerate(zip((result, other), displays, strict=True), start=1)]  # fmt: skip
    windows = presets(result.image) if _same_scale(result, other) else {}
    rows = [row_of(one, display.threshold) for one, display in zip(
            (result, other), displays, strict=True)]  # fmt: skip
    modes = _modes(panes)
    names = [name for name, _label in modes]
    return {
        "result": result,
        "other": other,
        "display": displays[0],
        "mode": displays[0].mode if displays[0].mode in names else names[-1],
        "panes": panes,
        "planes": _planes(result, other, displays[0]),
        "modes": modes,
        "has_heat": "heat" in names,
        "palettes": PALETTE_NAMES.items(),
        "presets": [(name, f"{c:g},{w:g}") for name, (c, w) in windows.items()],
        "asked_window": query.get("window", ""),
        "measures": measure_rows(*rows),
        "classes": class_rows(result, other),
        "boxes": box_rows(result, other),
        "matched": boxes_matched(result, other),
        "severity_words": Severity.choices,
        "config": {
            "panes": [pane["config"] for pane in panes],
            "sameImage": result.image_id == other.image_id,
            "sameScale": _same_scale(result, other),
            "byPosition": _by_position(panes),
            "rows": [_table(one) for one in (result, other)],
            "digits": {name: digits for name, digits, _unit in ROWS},
        },
    }


def _display(query: QueryDict, result: Result) -> Display:
    """Return how a result is drawn; one with boxes opens on the slice of the best of them."""
    display = Display.from_query(query, result)
    if "slice" in query or not result.boxes.all():
        return display
    return replace(display, slice=best_slice(result, display.plane))


def row_of(result: Result, threshold: float) -> dict | None:
    """Return the measures nearest to `threshold`; None: there is nothing measured."""
    if not result.is_measured:
        return None
    row = min(result.table, key=lambda row: abs(row["t"] - threshold))
    return {**row, "mask_px": mask_px(row)}


def measure_rows(first: dict | None, second: dict | None) -> list[dict]:
    """Return each measure of both, and first less second where the two can be compared."""
    first, second = first or {}, second or {}
    rows = []
    for name, digits, unit in ROWS:
        a, b = first.get(name), second.get(name)
        if a is None and b is None:
            continue
        rows.append({"name": name, "label": _label(name), "digits": digits, "unit": unit,
                     "first": a, "second": b, "less": _less(name, first, second)})  # fmt: skip
    return rows


def _less(name: str, first: dict, second: dict) -> float | None:
    a, b = first.get(name), second.get(name)
    is_share = name == "area_percent" and first.get("denominator") != second.get("denominator")
    return None if a is None or b is None or is_share else a - b


def _label(name: str) -> str:
    return {
        "area_percent": _("Affected area"), "mask_px": _("Pixels or voxels"),
        "area_px": _("Of these, counted"), "area_mm2": _("Area"),
        "volume_ml": _("Volume"), "average_intensity": _("Average intensity"),
        "ratio": _("Intensity ratio"), "circularity": _("Circularity"),
        "sphericity": _("Sphericity"), "lesions": _("Regions"),
    }[name]  # fmt: skip


def _table(result: Result) -> list[dict]:
    wanted = ("t", "level", "severity", "denominator", *(name for name, _digits, _unit in ROWS))
    return [
        {name: row.get(name) for name in wanted} | {"mask_px": mask_px(row)} for row in result.table
    ]


def pane_of(result: Result, display: Display, number: int) -> dict:
    """Return one picture among several, as the template of a pane takes it."""
    image, maps = result.image, {one.name for one in result.maps.all()}
    letters = display.plane.sides or sides(image)
    has_spread = result.is_measured and display.spread in maps
    row = row_of(result, display.threshold)
    boxes = list(result.boxes.all())
    return {
        "number": number,
        "result": result,
        "image": image,
        "display": display,
        "row": row,
        "has_spread": has_spread,
        "has_heat": result.is_measured or bool(saliency_maps(result)),
        "frames": frames(boxes, display.plane, display.slice) if boxes else None,
        "severity": row["severity"] if row else result.severity,
        "sides": letters,
        "spacing": spacing_text(image, display.plane),
        "slices": display.plane.shape[0],
        "config": _config(result, display, boxes, has_spread=has_spread),
    }


def _config(result: Result, display: Display, boxes: list[ResultBox], *, has_spread: bool) -> dict:
    """What the browser needs to draw one pane; no identity."""
    image, plane = result.image, display.plane
    looked = next(iter(saliency_maps(result)), "")
    heat = display.map if result.is_measured else looked
    spacing = image.facts.get("spacing_mm")
    return image_config(image, plane) | {
        "map": map_address(result, plane, heat) if heat else None,
        "measured": result.is_measured,
        "boxes": boxes_hung(boxes, plane),
        "spread": map_address(result, plane, display.spread) if has_spread else None,
        "slice": display.slice,
        "thick": spacing[plane.axes[0]] if spacing else None,
        "center": display.center, "windowWidth": display.width, "saved": result.threshold,
    }  # fmt: skip


def _modes(panes: list[dict]) -> list[tuple[str, str]]:
    shown = [("off", _("Off"))]
    if any(pane["frames"] for pane in panes):
        shown.append(("boxes", _("Boxes")))
    if any(pane["has_heat"] for pane in panes):
        shown.append(("heat", _("Heatmap")))
    if any(pane["row"] for pane in panes):
        shown += [("mask", _("Mask")), ("outline", _("Outline"))]
    if any(pane["has_spread"] for pane in panes):
        shown.append(("disagreement", _("Disagreement")))
    return shown


def _planes(result: Result, other: Result, display: Display) -> list[tuple[str, str, bool]]:
    """The planes that both have; none to choose from where one is a picture."""
    if STORED in {display.plane.name} or other.image.depth == 1 or not other.image.facts.get(
            "affine"):  # fmt: skip
        return []
    return [(name, str(label), name == display.plane.name) for name, label in PLANE_NAMES.items()]


def _same_scale(result: Result, other: Result) -> bool:
    """Whether one window means the same on both: the same image, or both in HU."""
    units = {one.image.facts.get("unit") for one in (result, other)}
    return result.image_id == other.image_id or units == {"HU"}


def _by_position(panes: list[dict]) -> bool:
    """Whether slices are leafed through by millimetres; else by number."""
    one, two = (pane["config"]["thick"] for pane in panes)
    return panes[0]["image"].pk != panes[1]["image"].pk and bool(one and two)
