"""The whole analysis on one screen: what fits is checked, then each task goes its own way."""

from __future__ import annotations

from dataclasses import replace

from imaging.inference.analysis import Analysis
from imaging.inference.cache import ModelCache
from imaging.inference.classifying import classify
from imaging.inference.detecting import detect
from imaging.inference.gate import REFUSE, gate
from imaging.inference.metadata import ModelMetadata
from imaging.inference.metadata_labels import label_key
from imaging.inference.model_files import titled
from imaging.inference.plan import Plan, Progress
from imaging.inference.segmenting import segment
from imaging.inference.spec import EnsembleSpec, why_not_runnable
from imaging.types import InferenceError, Volume

_TASKS = {"segmentation": segment, "classification": classify, "detection": detect}
_CODES = {"xray": "DX", "mri": "MR", "ct": "CT"}


def analyse(
    volume: Volume,
    spec: EnsembleSpec,
    models: ModelCache,
    progress: Progress,
    *,
    overridden: bool = False,
    maps: bool = True,
) -> Analysis:
    """Run every member on `volume` and join what they say, as the ensemble's type asks.

    Where the input gate refuses, no member is run and there are no numbers, unless a person has
    `overridden` it. Without `maps` classifiers say numbers only. `progress(stage, done, total)`
    is called from this thread. Raises InferenceError with a sentence that names the model, or
    what cannot be.
    """
    loads = models.loads
    cards = {member.model: models.metadata(member) for member in spec.members}
    labels = _agreed_labels(spec, cards)
    if volume.array.ndim != 3 or 0 in volume.array.shape:
        raise InferenceError(f"An image has three axes, this one {list(volume.array.shape)}.")
    running = {member.model: cards[member.model] for member in spec.members if member.weight > 0}
    seen = _as_read(volume, cards)
    verdict = gate(seen, running) | {"overridden": False}
    refused = verdict["verdict"] == REFUSE
    verdict["overridden"] = refused and overridden
    plan = Plan(seen, spec, cards, labels, verdict, models, progress, loads, maps)
    return plan.analysis({}) if refused and not overridden else _TASKS[spec.type](plan)


def _agreed_labels(spec: EnsembleSpec, cards: dict[str, ModelMetadata]) -> tuple[str, ...]:
    """Return the finding labels as the heaviest member names them; all members must share them.

    A union of classifiers may differ.
    """
    first = cards[spec.heaviest.model]
    wanted = {label_key(label) for label in spec.labels or first.findings}
    for card in cards.values():
        if reason := why_not_runnable(card):
            raise InferenceError(reason)
        if card.type != spec.type:
            raise InferenceError(f"{titled(card)} is for {card.type}, this run for {spec.type}.")
        if not spec.union and {label_key(label) for label in card.findings} != wanted:
            raise InferenceError(
                f"{titled(card)} finds {', '.join(card.findings)}; "
                f"this ensemble is about {', '.join(spec.labels or first.findings)}."
            )
    return spec.labels or first.findings


def _as_read(volume: Volume, cards: dict[str, ModelMetadata]) -> Volume:
    """A picture that does not say its modality is of the only one that all its models read."""
    common = set.intersection(*(set(card.modality) for card in cards.values()))
    if volume.modality or len(common) != 1:
        return volume
    return replace(volume, modality=_CODES[common.pop()])
