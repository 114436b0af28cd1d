"""What became of a model's golden case, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from imaging.inference.golden import FAILED, NONE, PASSED
from imaging.models import ModelVersion

FAILING = "Its golden case failed."


def golden_problem(facts: Mapping[str, Any]) -> str:
    """Return why a model whose golden case failed is kept out, with the numbers; else ""."""
    golden = facts.get("golden") or {}
    return f"{FAILING} {golden['sentence']}" if golden.get("outcome") == FAILED else ""


def golden_words(model: ModelVersion) -> dict[str, Any]:
    """Return what the people who approve read: outcome, one sentence, the figures by name."""
    golden = model.facts.get("golden") or {}
    declared = "golden" in model.metadata
    outcome = golden.get("outcome") or NONE
    return {
        "outcome": outcome,
        "sentence": _sentence(outcome, declared=declared, why=golden.get("sentence", "")),
        "figures": _figures(golden.get("figures") or {}),
    }


def _sentence(outcome: str, *, declared: bool, why: str) -> str:
    if outcome == PASSED:
        return _("Golden case passed: a picture that came with it got the answer it must get.")
    if outcome == FAILED:
        return _("Golden case failed: %(why)s") % {"why": why}
    if declared:
        return _("It has a golden case, which was not run on this machine yet.")
    return _(
        "No golden case was given: no picture with a known answer came with it, so its numbers"
        " were not checked here."
    )


def _figures(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    names = {
        "levels": _("largest difference of the map, of 255"),
        "dice": _("Dice with the expected mask"),
        "area_points": _("difference of the area, percentage points"),
        "severity": _("severity"),
        "probability": _("largest difference of a probability"),
        "overlap": _("least overlap of a box"),
    }
    return [(names[name], str(value)) for name, value in figures.items() if name in names]
