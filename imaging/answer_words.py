"""One phrase for a result that is no area: what lists and mails show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imaging.measures.numbers import half_up

NO_SEVERITY = {
    "segmentation": "Nothing was measured.",
    "classification": "Classes have a probability and no area: severity is not assessed.",
    "detection": "A box is not the area of a lesion: severity is not assessed.",
}
MOST = 200


def headline(analysis: Mapping[str, Any]) -> str:
    """Return what stands in a list for this analysis; "" where its area stands there."""
    if refusal(analysis):
        return "Not analysed"
    words = _OF.get(analysis.get("type", "segmentation"), lambda _analysis: "")(analysis)
    return words if len(words) <= MOST else f"{words[: MOST - 1]}…"


def refusal(analysis: Mapping[str, Any]) -> str:
    """Return why the input gate refused, "" when it did not or a person set it aside."""
    gate = analysis.get("gate", {})
    if gate.get("verdict") != "refuse" or gate.get("overridden"):
        return ""
    reasons = [one["sentence"] for one in gate["checks"] if one["verdict"] == "refuse"]
    return f"Not analysed: {' '.join(reasons)}"


def _classes(analysis: Mapping[str, Any]) -> str:
    lines = sorted(analysis["classes"], key=lambda one: -one["p"])
    found = [one for one in lines if one["verdict"] == "positive"]
    if found:
        return ", ".join(f"{one['label']} {half_up(one['p'])}" for one in found)
    top = lines[0]
    word = "Uncertain" if top["verdict"] == "uncertain" else "None reaches its threshold"
    return f"{word}; highest {top['label']} {half_up(top['p'])}"


def _boxes(analysis: Mapping[str, Any]) -> str:
    boxes, decision = analysis["boxes"], analysis["decision"]
    if not boxes:
        highest = decision["highest_below"]
        return f"No box; highest score {half_up(highest)}" if highest else "No box"
    count = "1 box" if len(boxes) == 1 else f"{len(boxes)} boxes"
    return f"{count}, {boxes[0]['label']} {half_up(boxes[0]['score'])}"


_OF = {"classification": _classes, "detection": _boxes}
