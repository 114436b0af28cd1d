"""Segmentation: the members' maps become one map, and the map is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

import numpy as np

from imaging.inference.analysis import Analysis, Map
from imaging.inference.cache import ModelCache
from imaging.inference.ensemble import Tally
from imaging.inference.mapping import Maps, maps_of
from imaging.inference.members import run_members
from imaging.inference.metadata import ModelMetadata
from imaging.inference.metadata_labels import label_key
from imaging.inference.provenance import facts_of, library_versions, member_record
from imaging.inference.spec import EnsembleSpec
from imaging.types import InferenceError, Volume

Progress = Callable[[str, int, int], None]
ORGAN_THRESHOLD = 0.5


def segment(
    volume: Volume,
    spec: EnsembleSpec,
    cards: Mapping[str, ModelMetadata],
    labels: tuple[str, ...],
    models: ModelCache,
    progress: Progress,
) -> Analysis:
    """Run every member on `volume`, average their maps, measure what was found."""
    started, loads = perf_counter(), models.loads
    running = [member for member in spec.members if member.weight > 0]
    sums, member_maps, facts = _Sums(labels), {}, {}
    outcomes = run_members(volume, running, models, maps_of)
    for number, member in enumerate(running):
        progress(member.model, number, len(running) + 1)
        outcome = next(outcomes)
        sums.add(outcome.answer, spec.shares[member.model])
        member_maps[member.model] = _quantise(outcome.answer.finding)
        facts[member.model] = facts_of(outcome)
        del outcome  # its maps must not live on beside the next member's
    progress("measuring", len(running), len(running) + 1)
    q = _quantise(sums.finding.mean)
    measures, agreement, areas = _measured(q, volume, spec, cards, member_maps, sums.organ_mask())
    return Analysis(
        ensemble=q,
        disagreement=sums.finding.disagreement,
        member_maps=member_maps,
        label_maps={name: _quantise(tally.mean) for name, tally in sums.by_label.items()},
        measures=measures,
        agreement=agreement,
        members=[member_record(m, spec, cards[m.model], facts, areas) for m in spec.members],
        loads=models.loads - loads,
        forward_ms=round(sum(fact["forward_ms"] for fact in facts.values()), 1),
        total_ms=round((perf_counter() - started) * 1000, 1),
        versions=library_versions(frozenset(cards[member.model].framework for member in running)),
    )


class _Sums:
    """The running means over the members: finding, each label where there are several, organ."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.finding, self.organ = Tally(), Tally()
        self.by_label = {name: Tally() for name in labels} if len(labels) > 1 else {}

    def add(self, maps: Maps, share: float) -> None:
        self.finding.add(maps.finding, share)
        for name, tally in self.by_label.items():
            tally.add(maps.labels[label_key(name)], share)
        if maps.organ is not None:
            self.organ.add(maps.organ, share)

    def organ_mask(self) -> np.ndarray | None:
        return self.organ.mean >= ORGAN_THRESHOLD if self.organ.count else None


def _quantise(p: np.ndarray) -> Map:
    from imaging.measures.probability import quantise

    return quantise(p)


def _measured(
    q: Map,
    volume: Volume,
    spec: EnsembleSpec,
    cards: Mapping[str, ModelMetadata],
    member_maps: dict[str, Map],
    organ: np.ndarray | None,
) -> tuple[dict[str, Any], dict[str, Any] | None, dict[str, int]]:
    from imaging.measures.agreement import agreement, member_areas
    from imaging.measures.measuring import measure
    from imaging.measures.region import region_of

    min_size = cards[spec.heaviest.model].min_size
    try:
        region = region_of(volume, organ)
        measures = measure(q, volume, spec.severity, spec.threshold, min_size, region)
        areas = member_areas(member_maps, volume, spec.threshold, min_size, region)
        agreed = agreement(member_maps, volume, spec.threshold, min_size, region, areas)
    except ValueError as error:
        raise InferenceError(str(error)) from error
    return measures, agreed, areas
