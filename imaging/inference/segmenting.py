"""Segmentation: the members' maps become one map, and the map is measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from imaging.inference.analysis import Analysis, Map
from imaging.inference.ensemble import Tally, spread_map
from imaging.inference.mapping import Maps, maps_of
from imaging.inference.members import run_members
from imaging.inference.metadata_labels import label_key
from imaging.inference.plan import Plan
from imaging.inference.provenance import facts_of
from imaging.types import InferenceError

ORGAN_THRESHOLD = 0.5


def segment(plan: Plan) -> Analysis:
    """Run every member, join their maps as the ensemble asks, measure what was found."""
    sums, member_maps, facts = _Sums(plan), {}, {}
    outcomes = run_members(plan.volume, plan.running, plan.models, maps_of)
    for number, member in enumerate(plan.running):
        plan.progress(member.model, number, len(plan.running) + 1)
        outcome = next(outcomes)
        sums.add(outcome.answer, member.model, plan.spec.shares[member.model])
        member_maps[member.model] = _quantise(outcome.answer.finding)
        facts[member.model] = facts_of(outcome)
        del outcome  # its maps must not live on beside the next member's
    plan.progress("measuring", len(plan.running), len(plan.running) + 1)
    q, decision = sums.joined(member_maps)
    decision["augmentation"] = sums.copies.count > 0
    label_maps, organ = sums.label_maps(q), sums.organ_mask()
    disagreement = sums.finding.disagreement
    augmentation = spread_map(sums.copies.mean) if sums.copies.count else None
    del sums  # eight bytes a pixel and more, which the measures need not stand beside
    measures, labels, agreement, areas = _measured(q, label_maps, plan, member_maps, organ)
    return plan.analysis(
        facts,
        areas,
        ensemble=q,
        disagreement=disagreement,
        augmentation=augmentation,
        member_maps=member_maps,
        label_maps=label_maps,
        measures=measures,
        label_measures=labels,
        agreement=agreement,
        decision=decision,
    )


class _Sums:
    """The running means over the members: finding, each label where there are several, organ."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.finding, self.organ, self.copies = Tally(), Tally(), Tally()
        several = plan.labels if len(plan.labels) > 1 else ()
        self.by_label = {name: Tally() for name in several}
        self._kept: dict[str, dict[str, Map]] = {name: {} for name in several}

    def add(self, maps: Maps, model: str, share: float) -> None:
        self.finding.add(maps.finding, share, give=True)
        for name, tally in self.by_label.items():
            found = maps.labels[label_key(name)]
            tally.add(found, share)
            if self._plan.spec.fusion != "mean":
                self._kept[name][model] = _quantise(found)
        if maps.organ is not None:
            self.organ.add(maps.organ, share)
        if maps.spread is not None:
            self.copies.add(maps.spread, share)

    def joined(self, member_maps: dict[str, Map]) -> tuple[Map, dict[str, Any]]:
        """Return the ensemble's map and what the fusion learned of its members."""
        return self._fused(self.finding, member_maps)

    def label_maps(self, q: Map) -> dict[str, Map]:
        """Return a map per label; of labels that exclude each other, the likeliest takes all."""
        maps = {name: self._fused(self.by_label[name], self._kept[name])[0]
                for name in self.by_label}  # fmt: skip
        if not maps or not self._plan.labels_exclude:
            return maps
        likeliest = np.argmax(np.stack(list(maps.values())), axis=0)  # ties: the first label
        return {name: np.where(likeliest == n, q, np.uint8(0)) for n, name in enumerate(maps)}

    def organ_mask(self) -> np.ndarray | None:
        return self.organ.mean >= ORGAN_THRESHOLD if self.organ.count else None

    def _fused(self, tally: Tally, maps: dict[str, Map]) -> tuple[Map, dict[str, Any]]:
        from imaging.inference.fusion import majority, staple

        spec = self._plan.spec
        if spec.fusion == "majority":
            shares = [spec.shares[model] for model in maps]
            return majority(list(maps.values()), shares), {}
        if spec.fusion == "staple":
            q, rates = staple(list(maps.values()), spec.threshold)
            return q, {"staple": [
                {"model": model, "sensitivity": round(p, 6), "specificity": round(s, 6)}
                for model, (p, s) in zip(maps, rates, strict=True)
            ]}  # fmt: skip
        return _quantise(tally.mean), {}


def _quantise(p: np.ndarray) -> Map:
    from imaging.measures.probability import quantise

    return quantise(p)


def _measured(
    q: Map,
    label_maps: dict[str, Map],
    plan: Plan,
    member_maps: dict[str, Map],
    organ: np.ndarray | None,
) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any] | None, dict[str, int]]:
    from imaging.measures.agreement import agreement, member_areas
    from imaging.measures.measuring import measure, measure_at
    from imaging.measures.region import region_of
    from imaging.measures.severity import Rule, counts_whole_image

    volume, spec = plan.volume, plan.spec
    min_size = plan.cards[spec.heaviest.model].min_size
    try:
        rule = Rule.from_json(spec.severity) if spec.severity else None
        region = region_of(volume, organ, foreground=not counts_whole_image(rule))
        measures = measure(q, volume, spec.severity, spec.threshold, min_size, region)
        labels = [
            {"label": name, "row": measure_at(one, volume, spec.threshold, min_size, region)}
            for name, one in label_maps.items()
        ]
        areas = member_areas(member_maps, volume, spec.threshold, min_size, region)
        agreed = agreement(member_maps, volume, spec.threshold, min_size, region, areas)
    except ValueError as error:
        raise InferenceError(str(error)) from error
    return measures, labels, agreed, areas
