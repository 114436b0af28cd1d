"""A volume in three planes at once, each cut through one common point."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts import audit
from imaging.compare_page import pane_of
from imaging.display import Display, image_planes, presets, query_of
from imaging.models import Result
from imaging.reading import reads
from imaging.result_page import PALETTE_NAMES
from imaging.selectors import results_visible_to
from imaging.slice_page import PLANE_NAMES

Voxel = tuple[int, int, int]


@require_GET
@reads("result.view")
def result_planes(request: HttpRequest, pk) -> HttpResponse:
    """Show a measured volume whose sides are known; of all else there is the result itself."""
    found = results_visible_to(request.user).select_related("image__source", "job__run")
    result = get_object_or_404(found.prefetch_related("maps", "boxes"), pk=pk)
    if not result.is_measured or set(image_planes(result.image)) != set(PLANE_NAMES):
        return redirect(result)
    audit.record_view(request.user, "result.view", result)
    return render(request, "imaging/result_planes.html", planes_context(result, query_of(request)))


def planes_context(result: Result, query: QueryDict) -> dict:
    """Return what the template shows: three panes through the point that the address names."""
    planes = image_planes(result.image)
    voxel = point_asked(result, query)
    panes = []
    for number, (name, label) in enumerate(PLANE_NAMES.items(), start=1):
        own = query.copy()
        own["plane"], own["slice"] = name, str(voxel[planes[name].axes[0]] + 1)
        display = Display.from_query(own, result)
        pane = pane_of(result, display, number)
        _slice, row, column = planes[name].point(voxel)
        high, wide = display.plane.pixel
        _depth, rows, columns = display.plane.shape
        panes.append(pane | {
            "label": label, "slice_name": name,
            "cross": {"x": (column + 0.5) * wide, "y": (row + 0.5) * high,
                      "width": columns * wide, "height": rows * high},
        })  # fmt: skip
        pane["config"] |= {"axes": display.plane.axes, "flips": display.plane.flips}
    display = panes[0]["display"]
    return {
        "result": result, "panes": panes, "display": display, "row": panes[0]["row"],
        "mode": display.mode,
        "modes": [("off", _("Off")), ("heat", _("Heatmap")), ("mask", _("Mask")),
                  ("outline", _("Outline"))],
        "palettes": PALETTE_NAMES.items(),
        "presets": [(name, f"{c:g},{w:g}") for name, (c, w) in presets(result.image).items()],
        "asked_window": f"{display.center:g},{display.width:g}",
        "config": {"panes": [pane["config"] for pane in panes], "voxel": voxel,
                   "shape": result.image.shape, "affine": result.image.facts["affine"],
                   "unit": result.image.facts.get("unit", ""), "threshold": display.threshold},
    }  # fmt: skip


def point_asked(result: Result, query: QueryDict) -> Voxel:
    """Return the voxel (z, y, x) that the slices asked for meet in; else the largest region's."""
    planes, shape = image_planes(result.image), result.image.shape
    largest = result.lesions.first()
    at = largest.facts["centroid"] if largest else [(side - 1) / 2 for side in shape]
    voxel = [min(side - 1, max(0, round(value))) for value, side in zip(at, shape, strict=True)]
    for name in PLANE_NAMES:
        asked, axis = query.get(name, ""), planes[name].axes[0]
        if asked.isascii() and asked.isdigit() and 1 <= int(asked[:9]) <= shape[axis]:
            voxel[axis] = int(asked) - 1
    return voxel[0], voxel[1], voxel[2]
