"""What the page of the brush says: the grid, the mask to start from, and who else saved one."""

from __future__ import annotations

from django.http import QueryDict
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from imaging.display import Display, image_planes, presets
from imaging.forms_review import PaintForm
from imaging.models import Result, Review
from imaging.planes import STORED
from imaging.result_page import sides
from imaging.services.painted import most_slices
from imaging.services.reviews import latest_review
from imaging.slice_page import PLANE_NAMES, edited_address, map_address

WIDEST_FIRST_BRUSH = 16  # px


def paint_context(query: QueryDict, result: Result) -> dict:
    """Return what the template shows of the plane and slice that the address names."""
    display, latest = Display.from_query(query, result), latest_review(result)
    plane = display.plane
    wanted = (display.center, display.width)
    return {
        "result": result,
        "image": result.image,
        "display": display,
        "slices": plane.shape[0],
        "brush": _brush(plane),
        "sides": plane.sides or sides(result.image),
        "planes": [(name, PLANE_NAMES[name], name == plane.name)
                   for name in image_planes(result.image) if name != STORED],
        "presets": [(name, f"{c:g},{w:g}", (c, w) == wanted)
                    for name, (c, w) in presets(result.image).items()],
        "form": PaintForm(),
        "is_signed": latest is not None and latest.is_signed,
        "seen": latest.number if latest else 0,
        "config": _config(result, display, latest),
    }  # fmt: skip


def overtaken_words(latest: Review) -> dict:
    """Return who saved which version meanwhile, for the script that holds the other painting."""
    return {
        "latest": latest.number,
        "signed": latest.is_signed,
        "url": reverse("imaging:review-detail", args=[latest.pk]),
        "words": _("%(who)s saved version %(n)d (%(what)s, %(when)s) while you were painting.")
        % {
            "who": latest.author,
            "n": latest.number,
            "what": latest.get_decision_display(),
            "when": date_format(localtime(latest.created_at), "SHORT_DATETIME_FORMAT"),
        },
        "mine": _("Save mine after version %(n)d") % {"n": latest.number},
    }


def _brush(plane) -> int:
    """Return the width in pixels that the brush begins with: a sixteenth of the shorter side."""
    return max(1, min(WIDEST_FIRST_BRUSH, min(plane.shape[1:]) // 16))


def _config(result: Result, display: Display, latest: Review | None) -> dict:
    """What the brush needs: the plane's grid, and where the mask to start from lies."""
    plane = display.plane
    depth, height, width = plane.shape
    has_mask = latest is not None and latest.mask_id is not None
    cut = latest.level if latest is not None and latest.level else display.level
    return {
        "depth": depth,
        "height": height,
        "width": width,
        "pixel": plane.pixel,
        "plane": plane.name,
        "slice": display.slice,
        "window": [display.center, display.width],
        "most": most_slices(plane),
        "picture": reverse("imaging:result-layer", args=[result.pk, "original"]),
        "mask": edited_address(latest, plane)
        if has_mask
        else map_address(result, plane, "ensemble"),
        "base": latest.number if has_mask else 0,
        "level": 1 if has_mask else cut,
    }
