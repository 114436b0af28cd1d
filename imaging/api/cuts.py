"""A result at another threshold, in numbers and as a picture, for programs."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _

from accounts.api.problems import Problem
from imaging.answer_layers import LAYERS as OF_ANSWERS
from imaging.answer_layers import answer_layer
from imaging.answer_page import AnswerDisplay
from imaging.display import Display, image_planes, label_maps
from imaging.measures.threshold import threshold_level
from imaging.models import Measurement, Result
from imaging.viewer import layer_drawn

WHOLE = "image"  # the scope of what the table was measured on


def measurements_at(result: Result, threshold: float) -> list[Measurement]:
    """Return the numbers at a threshold of the result's table; at the saved one, as stored.

    Raises Problem for a threshold that the table does not hold.
    """
    stored = list(result.measurements.all())
    if threshold == result.threshold:
        return stored
    row = _row(result, threshold)
    moved = [one for one in stored if one.name in row and one.scope == WHOLE]
    why = row.get("reasons", {})
    for one in moved:
        one.value, one.threshold = row[one.name], row["t"]
        one.reason = why.get(one.name, "") if one.value is None else ""
    return moved


def overlay_drawn(result: Result, asked: dict[str, Any]) -> bytes:
    """Return one layer as PNG, as the page draws it. Raises Problem for what there is not."""
    layer = asked["layer"]
    query = {name: f"{value}" for name, value in asked.items() if name != "layer"}
    if "t" in asked and result.is_measured and asked["t"] != result.threshold:
        _row(result, asked["t"])
    _place_check(result, asked)
    try:
        if not result.is_measured:
            if layer not in OF_ANSWERS:
                raise Http404
            return answer_layer(result, layer, AnswerDisplay.from_query(query, result))
        return layer_drawn(result, layer, Display.from_query(query, result), as_stored=False)
    except Http404:
        raise Problem(422, "no_layer", _("This result has no such layer.")) from None


def _row(result: Result, threshold: float) -> dict[str, Any]:
    level = threshold_level(threshold) if threshold else None
    found = next((row for row in result.table if row["level"] == level), None)
    if found is None:
        known = ", ".join(f"{row['t']:g}" for row in result.table)
        said = _("This result was not measured there; its thresholds: %(known)s.")
        raise Problem(422, "no_threshold", said % {"known": known or "—"})
    return found


def _place_check(result: Result, asked: dict[str, Any]) -> None:
    planes = image_planes(result.image)
    name = asked.get("plane", "")
    if name and name not in planes:
        said = _("There is no such plane; there are: %(known)s.")
        raise Problem(422, "no_plane", said % {"known": ", ".join(planes)})
    most = planes[name].shape[0] if name else max(one.shape[0] for one in planes.values())
    if asked.get("slice", 1) > most:
        raise Problem(422, "no_slice", _("There are %(n)d slices.") % {"n": most})
    if asked.get("map") and result.is_measured and asked["map"] not in label_maps(result):
        known = ", ".join(label_maps(result))
        raise Problem(422, "no_map", _("Choose one of: %(known)s.") % {"known": known})
