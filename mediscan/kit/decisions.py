"""Decisions on a result: two that met, and the panel in which one signed is amended."""

from __future__ import annotations

from types import SimpleNamespace

from imaging.forms_review import ReviewForm
from imaging.models import Decision, RejectReason
from mediscan.kit.made_up import AT, ID, OTHER

ROW = {"area_text": "3.1%", "denominator": "lung fields", "severity": "low",
       "severity_reason": "Below 5%", "circularity": 0.78, "lesions": 2}  # fmt: skip


def conflicts() -> dict:
    """One's own words beside those that somebody saved meanwhile, and those somebody signed."""
    mine = ReviewForm(
        {
            "decision": Decision.REJECTED,
            "reason": RejectReason.values[0],
            "comment": "Motion; the outline is not that of the lung.",
            "seen": 1,
        }
    )
    mine.is_valid()
    return {
        "result": SimpleNamespace(pk=ID),
        "conflicts": [{"latest": _version(2), "form": mine}, {"latest": _version(3, signed=True)}],
    }


def decided() -> dict:
    """The panel of a signed decision whose amendment was refused, with an earlier version."""
    refused = ReviewForm({"decision": Decision.REJECTED, "seen": 2, "comment": ""}, signed=True)
    return {
        "review": _version(2, signed=True, mask=True), "earlier": [_version(1)],
        "review_form": refused, "may_review": True, "may_sign": True,
        "neighbours": SimpleNamespace(next=None),
    }  # fmt: skip


def _version(number: int, *, signed: bool = False, mask: bool = False) -> SimpleNamespace:
    decision = Decision.EDITED if mask else Decision.ACCEPTED
    return SimpleNamespace(
        pk=ID, number=number, get_decision_display=decision.label, reason="", level=None,
        comment="No focal opacity.\nHeart of normal size.", author=OTHER, created_at=AT,
        is_signed=signed, signed_by=OTHER if signed else None, signed_at=AT if signed else None,
        get_meaning_display="Authored", amendment="", has_mask=mask, row=ROW if mask else None,
        removed=[2] if mask else [], left_out="L2", mask_id=None, dice=0.93, problem="",
        is_waiting=False,
    )  # fmt: skip
