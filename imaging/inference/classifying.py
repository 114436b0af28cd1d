"""Classification: the members' probabilities become one table, and a map of where they looked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from imaging.inference.analysis import Analysis, Map
from imaging.inference.classes import NEGATIVE, ClassLine, class_lines, kind_of
from imaging.inference.ensemble import Tally
from imaging.inference.fusion import majority_of
from imaging.inference.members import run_members
from imaging.inference.metadata_labels import label_key
from imaging.inference.plan import Plan
from imaging.inference.provenance import facts_of
from imaging.inference.saliency import looked_at
from imaging.inference.scoring import Scores, scores_of

MOST_MAPS = 4  # labels whose map is drawn: what was found, likeliest first


def classify(plan: Plan) -> Analysis:
    """Run every member, join their probabilities by label, draw where they looked."""
    steps = (2 if plan.maps else 1) * len(plan.running)
    scores: dict[str, Scores] = {}
    facts: dict[str, dict[str, Any]] = {}
    outcomes = run_members(plan.volume, plan.running, plan.models, scores_of)
    for number, member in enumerate(plan.running):
        plan.progress(member.model, number, steps)
        outcome = next(outcomes)
        scores[member.model], facts[member.model] = outcome.answer, facts_of(outcome)
    lines = _lines(plan, scores)
    saliency = _saliency(plan, _drawn(lines), facts, steps) if plan.maps else {}
    return plan.analysis(
        facts,
        saliency=saliency,
        classes=[line.to_json() for line in lines],
        decision={
            "kind": kind_of({name: plan.cards[name] for name in scores}),
            "saliency": list(saliency),
        },
        agreement=agreement(lines),
    )


def _lines(plan: Plan, scores: Mapping[str, Scores]) -> list[ClassLine]:
    shares = plan.spec.shares
    joined: dict[str, float] = {}
    if plan.spec.fusion == "majority":
        for key in {key for found in scores.values() for key in found}:
            of = [model for model in scores if key in scores[model]]
            joined[key] = majority_of([scores[m][key] for m in of], [shares[m] for m in of])
    return class_lines(scores, plan.cards, shares, plan.spec.thresholds, joined)


def agreement(lines: list[ClassLine]) -> dict[str, Any] | None:
    """Return whether members fall on different sides of a threshold, and one sentence.

    None for one member. Of labels that exclude each other the sides are: largest, or not.
    """
    if not any(line.n > 1 for line in lines):
        return None
    split = []
    for line in lines:
        above = {model: p >= line.threshold for model, p in line.members.items()}
        if len(set(above.values())) > 1:
            split.append((line, above))
    if not split:
        return {"disagree": False, "sentence": "The models agree on every class."}
    line, above = max(split, key=lambda pair: pair[0].spread or 0)
    yes = [model for model, is_above in above.items() if is_above]
    no = [model for model, is_above in above.items() if not is_above]
    who = f"only {yes[0]} reaches" if len(yes) == 1 else f"{', '.join(yes)} reach"
    sentence = (
        f"The models disagree on {line.label}: {who} {line.threshold:.2f}, "
        f"{', '.join(no)} {'does' if len(no) == 1 else 'do'} not."
    )
    return {"disagree": True, "sentence": sentence}


def _drawn(lines: list[ClassLine]) -> list[str]:
    """Return the labels whose place is drawn: those that were found, else the likeliest."""
    by_p = sorted(lines, key=lambda line: -line.p)
    found = [line.label for line in by_p if line.verdict != NEGATIVE] or [by_p[0].label]
    return found[:MOST_MAPS]


def _saliency(
    plan: Plan, labels: list[str], facts: dict[str, dict[str, Any]], steps: int
) -> dict[str, Map]:
    """Return one map per label, the members' weighted; none where no member points anywhere."""
    from imaging.measures.probability import quantise

    tallies = {label: Tally() for label in labels}
    ask = partial(looked_at, labels=[label_key(label) for label in labels])
    outcomes = run_members(plan.volume, plan.running, plan.models, ask)
    for number, member in enumerate(plan.running):
        plan.progress(member.model, len(plan.running) + number, steps)
        outcome = next(outcomes)
        for label, tally in tallies.items():
            if (found := outcome.answer.get(label_key(label))) is not None:
                tally.add(found, plan.spec.shares[member.model])
        for name in ("run_ms", "forward_ms"):
            facts[member.model][name] = round(
                facts[member.model][name] + facts_of(outcome)[name], 1
            )
    return {label: quantise(tally.mean) for label, tally in tallies.items() if tally.count}
