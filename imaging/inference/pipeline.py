"""The whole analysis, top to bottom, on one screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from time import perf_counter
from typing import Any

import numpy as np

from imaging.inference.analysis import Analysis, Map
from imaging.inference.cache import ModelCache
from imaging.inference.ensemble import Tally
from imaging.inference.members import Outcome, run_members
from imaging.inference.metadata import ModelMetadata
from imaging.inference.metadata_labels import label_key
from imaging.inference.model_files import titled
from imaging.inference.spec import EnsembleSpec, MemberSpec, why_not_runnable
from imaging.types import InferenceError, Volume

Progress = Callable[[str, int, int], None]
ORGAN_THRESHOLD = 0.5
_KINDS = {
    **dict.fromkeys(("CR", "DX", "DR", "RG", "PX", "XRAY"), "xray"),
    **dict.fromkeys(("MR", "MRI"), "mri"),
    "CT": "ct",
}
_CODES = {"xray": "DX", "mri": "MR", "ct": "CT"}
_PACKAGES = {
    "pytorch": ("torch", "monai"),
    "onnx": ("onnxruntime",),
    "tensorflow": ("keras", "torch"),
}


def analyse(volume: Volume, spec: EnsembleSpec, models: ModelCache, progress: Progress) -> Analysis:
    """Run every member on `volume`, average them, measure what was found.

    `progress(stage, done, total)` is called from this thread before each member and before the
    measuring. Raises InferenceError with a sentence that names the model, or what cannot be.
    """
    started, loads = perf_counter(), models.loads
    cards = {member.model: models.metadata(member) for member in spec.members}
    labels = _agreed_labels(spec, cards)
    _check_image(volume, cards)
    volume = _as_read(volume, cards)
    running = [member for member in spec.members if member.weight > 0]
    sums, member_maps, facts = _Sums(labels), {}, {}
    outcomes = run_members(volume, running, models)
    for number, member in enumerate(running):
        progress(member.model, number, len(running) + 1)
        outcome = next(outcomes)
        sums.add(outcome, spec.shares[member.model])
        member_maps[member.model] = _quantise(outcome.finding)
        facts[member.model] = _facts(outcome)
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
        members=[_record(m, spec, cards[m.model], facts, areas) for m in spec.members],
        loads=models.loads - loads,
        forward_ms=round(sum(fact["forward_ms"] for fact in facts.values()), 1),
        total_ms=round((perf_counter() - started) * 1000, 1),
        versions=_versions(frozenset(cards[member.model].framework for member in running)),
    )


class _Sums:
    """The running means over the members: finding, each label where there are several, organ."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.finding, self.organ = Tally(), Tally()
        self.by_label = {name: Tally() for name in labels} if len(labels) > 1 else {}

    def add(self, outcome: Outcome, share: float) -> None:
        self.finding.add(outcome.finding, share)
        for name, tally in self.by_label.items():
            tally.add(outcome.labels[label_key(name)], share)
        if outcome.organ is not None:
            self.organ.add(outcome.organ, share)

    def organ_mask(self) -> np.ndarray | None:
        return self.organ.mean >= ORGAN_THRESHOLD if self.organ.count else None


def _agreed_labels(spec: EnsembleSpec, cards: dict[str, ModelMetadata]) -> tuple[str, ...]:
    """Return the finding labels as the heaviest member names them; all members must share them."""
    first = cards[spec.heaviest.model]
    wanted = {label_key(label) for label in spec.labels or first.findings}
    for card in cards.values():
        if reason := why_not_runnable(card):
            raise InferenceError(reason)
        if {label_key(label) for label in card.findings} != wanted:
            raise InferenceError(
                f"{titled(card)} finds {', '.join(card.findings)}; "
                f"this ensemble is about {', '.join(spec.labels or first.findings)}."
            )
    return spec.labels or first.findings


def _check_image(volume: Volume, cards: dict[str, ModelMetadata]) -> None:
    if volume.array.ndim != 3 or 0 in volume.array.shape:
        raise InferenceError(f"An image has three axes, this one {list(volume.array.shape)}.")
    kind = _KINDS.get(volume.modality.strip().upper())
    for card in cards.values():
        if kind and kind not in card.modality:
            raise InferenceError(
                f"{titled(card)} reads {', '.join(card.modality)} images; this one is {kind}."
            )


def _as_read(volume: Volume, cards: dict[str, ModelMetadata]) -> Volume:
    """A picture that does not say its modality is of the only one that all its models read."""
    common = set.intersection(*(set(card.modality) for card in cards.values()))
    if volume.modality or len(common) != 1:
        return volume
    return replace(volume, modality=_CODES[common.pop()])


def _quantise(p: np.ndarray) -> Map:
    from imaging.measures.probability import quantise

    return quantise(p)


def _measured(
    q: Map,
    volume: Volume,
    spec: EnsembleSpec,
    cards: dict[str, ModelMetadata],
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


def _facts(outcome: Outcome) -> dict[str, Any]:
    names = ("device_used", "fallback", "load_ms", "run_ms", "forward_ms", "sha256")
    return {name: getattr(outcome, name) for name in names}


def _record(
    member: MemberSpec,
    spec: EnsembleSpec,
    card: ModelMetadata,
    facts: dict[str, dict[str, Any]],
    areas: dict[str, int],
) -> dict[str, Any]:
    """Return one member's line; a member of weight zero did not run, and its numbers are null."""
    not_run = {
        "device_used": "",
        "fallback": "Weight 0: not run.",
        "load_ms": None,
        "run_ms": None,
        "forward_ms": None,
        "sha256": next(iter(member.sha256.values()), ""),
    }
    return {
        "model": member.model,
        "version": card.version,
        "weight": member.weight,
        "share": round(spec.shares[member.model], 6),
        "device": member.device,
        "framework": card.framework,
        "area_px": areas.get(member.model),
        **facts.get(member.model, not_run),
    }


@cache
def _versions(frameworks: frozenset[str]) -> dict[str, str]:
    names = {"numpy", "torch"} | {name for framework in frameworks for name in _PACKAGES[framework]}
    return {name: version(name) for name in sorted(names)}
