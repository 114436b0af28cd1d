"""Detection: the members' boxes become the ensemble's, by weighted box fusion."""

from __future__ import annotations

from typing import Any

from imaging.inference.analysis import Analysis
from imaging.inference.boxes import SAME_BOX, SAME_FINDING, Found, Fused, fused
from imaging.inference.classes import MEAN, MODEL, OWN, label_threshold
from imaging.inference.members import run_members
from imaging.inference.metadata_labels import label_key
from imaging.inference.plan import Plan
from imaging.inference.proposals import boxes_of
from imaging.inference.provenance import facts_of

MOST_BOXES = 100


def detect(plan: Plan) -> Analysis:
    """Run every member, join their boxes, keep what reaches its label's threshold."""
    drawn: dict[str, list[Found]] = {}
    facts: dict[str, dict[str, Any]] = {}
    outcomes = run_members(plan.volume, plan.running, plan.models, boxes_of)
    for number, member in enumerate(plan.running):
        plan.progress(member.model, number, len(plan.running) + 1)
        outcome = next(outcomes)
        drawn[member.model], facts[member.model] = outcome.answer, facts_of(outcome)
    plan.progress("measuring", len(plan.running), len(plan.running) + 1)
    cuts = {label: _threshold(plan, label) for label in plan.labels}
    joined = _voted(plan, fused(drawn, plan.spec.shares))
    names = {label_key(label): label for label in plan.labels}
    kept = [one for one in joined if one.score >= cuts[names[one.label]][0]]
    below = [one for one in joined if one.score < cuts[names[one.label]][0]]
    return plan.analysis(
        facts,
        boxes=[_line(one, names[one.label]) for one in kept[:MOST_BOXES]],
        decision={
            "kind": "boxes",
            "thresholds": {
                label: {"t": t, "origin": origin, "validated": origin != MEAN}
                for label, (t, origin) in cuts.items()
            },
            "iou_member": SAME_BOX,
            "iou_fusion": SAME_FINDING,
            "below": len(below),
            "highest_below": round(max((one.score for one in below), default=0.0), 6),
            "left_out": max(0, len(kept) - MOST_BOXES),
        },
        agreement=agreement(kept, list(drawn)),
    )


def agreement(kept: list[Fused], members: list[str]) -> dict[str, Any] | None:
    """Return whether a shown box was drawn by some members only, and one sentence."""
    if len(members) < 2:
        return None
    alone = [one for one in kept if len(one.scores) < len(members)]
    if not alone:
        words = "every box" if kept else "that there is nothing to mark"
        return {"disagree": False, "sentence": f"The models agree on {words}."}
    missing = [m for m in members if any(m not in one.scores for one in alone)]
    sentence = (
        f"The models disagree: {len(alone)} of {len(kept)} box(es) were not drawn by "
        f"{', '.join(missing)}."
    )
    return {"disagree": True, "sentence": sentence}


def _voted(plan: Plan, joined: list[Fused]) -> list[Fused]:
    """With a majority vote, a box stands where members of more than half the weight drew it."""
    if plan.spec.fusion != "majority":
        return joined
    shares = plan.spec.shares
    return [one for one in joined if sum(shares[m] for m in one.scores) > 0.5 + 1e-9]


def _threshold(plan: Plan, label: str) -> tuple[float, str]:
    """Return a label's threshold and whose it is, as for classes (MEASURES §10)."""
    own = {label_key(name): t for name, t in plan.spec.thresholds.items()}
    key = label_key(label)
    if key in own:
        return own[key], OWN
    shares = plan.spec.shares
    cuts = {m.model: label_threshold(plan.cards[m.model], key) for m in plan.running}
    if len(cuts) == 1:
        return next(iter(cuts.values())), MODEL
    return round(sum(shares[model] * t for model, t in cuts.items()), 6), MEAN


def _line(one: Fused, label: str) -> dict[str, Any]:
    return {
        "label": label,
        "score": round(one.score, 6),
        "box": [round(value, 2) for value in one.box],
        "slice": one.plane,
        "n": len(one.scores),
        "members": {model: round(score, 6) for model, score in one.scores.items()},
    }
