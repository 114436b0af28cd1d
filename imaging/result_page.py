"""What the result page shows: one stored result, its pictures, its numbers by threshold."""

from __future__ import annotations

import json

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imaging.display import EDITED, Display, label_maps, presets, row_at
from imaging.film_page import film
from imaging.gate_page import gate_context
from imaging.measures.numbers import mask_px
from imaging.models import Image, Lesion, Result, Severity
from imaging.palettes import palette
from imaging.planes import Plane
from imaging.sayings import rows_said, said
from imaging.selectors import results_visible_to
from imaging.sides import Sides, sides_of
from imaging.slice_page import plane_config, slice_context

SHOWN = ("area_percent", "average_intensity", "ratio", "circularity")
OF_VOLUMES = ("volume_ml", "sphericity")
LEGEND_PARTS = 15
PALETTE_NAMES = {"redgreen": gettext_lazy("Red–green"), "cividis": "Cividis", "viridis": "Viridis",
                 "magma": "Magma"}  # fmt: skip


def page_context(result: Result, display: Display, user) -> dict:
    """Return everything the template shows. The caller has checked that `user` may see it."""
    image = result.image
    maps = {one.name for one in result.maps.all()}
    lesions = list(result.lesions.all())
    row = row_at(result, display.threshold)
    letters = display.plane.sides or sides(image)
    return {
        "result": result,
        "image": image,
        "run": result.job.run,
        "row": row,
        "mask_px": mask_px(row),
        "display": display,
        "missing": missing_reasons(row, result.image),
        "ranges": range_rows(result),
        "is_preview": row["level"] != result.level,
        "has_spread": display.spread in maps,
        **label_context(result, display),
        **gate_context(result, user),
        **member_context(result),
        "lesions": lesions,
        "scale": severity_scale(result, row),
        "modes": _modes(display.spread in maps),
        "palettes": PALETTE_NAMES.items(),
        "presets": _preset_rows(image, display),
        "spacing": spacing_text(image, display.plane),
        "sides": letters,
        "legend": _legend(display),
        "neighbours": neighbours(result, user),
        "film": film(result, user),
        **slice_context(result, display, lesions, letters),
        "severity_words": Severity.choices,
        "config": _config(result, display, maps, lesions),
    }


def label_context(result: Result, display: Display) -> dict:
    """Return each label's measures at the saved threshold, where a mask has several labels."""
    maps = label_maps(result)
    rows: dict[str, dict] = {name: {"name": name, "label": label, "on": display.map == name,
                                    "mask_px": None}
                             for name, label in maps.items() if name != "ensemble"}  # fmt: skip
    found = result.measurements.exclude(scope="image") if rows else ()
    reasons = []
    for one in found:
        rows[one.scope][one.name] = one.value
        if one.name == "area_percent" and one.reason:
            reasons.append(f"{rows[one.scope]['label']}: {said(one.reason)}")
    return {
        "label_rows": list(rows.values()),
        "label_reasons": reasons,
        "shown_label": maps[display.map] if display.map not in ("ensemble", EDITED) else "",
        "shows_edited": display.map == EDITED,
        "has_copies": bool(result.decision.get("augmentation")),
    }


def missing_reasons(row: dict, image: Image) -> list[str]:
    """Return why shown measures have no value, each reason once."""
    shown = SHOWN + OF_VOLUMES if image.depth > 1 else SHOWN
    found = (row["reasons"][name] for name in shown if row[name] is None)
    return [said(why) for why in dict.fromkeys(found)]


def range_rows(result: Result) -> list[tuple[str, str, str]]:
    """Return how the area moves (what was changed, area, area), as it was stored."""
    if not result.ranges:
        return []
    moved = result.ranges["thresholds"]
    rows = []
    if len(moved) == 2:
        low, high = (said(f"{one['t']:.2f}") for one in moved)
        name = _("Threshold %(low)s, %(high)s") % {"low": low, "high": high}
        rows.append((name, said(moved[0]["area_text"]), said(moved[1]["area_text"])))
    ends = (said(result.ranges["eroded_text"]), said(result.ranges["dilated_text"]))
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


def _config(result: Result, display: Display, maps: set[str], lesions: list[Lesion]) -> dict:
    """What the browser needs to draw; no identity."""
    return plane_config(result, display, maps, lesions) | {
        "edited": display.map == EDITED,
        "center": display.center,
        "windowWidth": display.width,
        "saved": result.threshold,
        "threshold": display.threshold,
        "cuts": result.severity_rule.get("area"),
        "rows": rows_said(result.table),
    }


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


def member_context(result: Result) -> dict:
    """Return the members with their parts of a bar and the beginning of their hashes."""
    members = list(result.members.select_related("member__model_version"))
    return {
        "members": members,
        "bar": _shares(members),
        "hashes": [next(iter(one.member.model_version.sha256.values()), "")[:8] for one in members],
    }


def _shares(members: list) -> list[dict]:
    """The members as parts of a bar of 340."""
    parts, at = [], 0.0
    for index, outcome in enumerate(members):
        width = 340 * outcome.member.share
        parts.append({"x": round(at, 1), "width": round(max(width - 2, 0), 1),
                      "colour": index % 6 + 1, "outcome": outcome})  # fmt: skip
        at += width
    return parts


def spacing_text(image: Image, plane: Plane) -> str:
    """Return the size of a pixel of the plane in words."""
    spacing, kind = image.facts.get("spacing_mm"), image.facts.get("spacing_kind")
    if not spacing:
        return _("no spacing known: pixels only")
    text = f"{plane.pixel[0]:.3g} × {plane.pixel[1]:.3g} mm/px"
    if image.depth > 1:
        text += _(", slices %(mm)s mm") % {"mm": f"{spacing[plane.axes[0]]:.3g}"}
    return text if kind == "calibrated" else _("%(text)s at detector plane") % {"text": text}


def neighbours(result: Result, user) -> dict:
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
