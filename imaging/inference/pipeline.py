"""The whole analysis on one screen: what fits is checked, then each task goes its own way."""

from __future__ import annotations

from dataclasses import replace

from imaging.inference.analysis import Analysis
from imaging.inference.cache import ModelCache
from imaging.inference.metadata import ModelMetadata
from imaging.inference.metadata_labels import label_key
from imaging.inference.model_files import titled
from imaging.inference.segmenting import Progress, segment
from imaging.inference.spec import EnsembleSpec, why_not_runnable
from imaging.types import InferenceError, Volume

_TASKS = {"segmentation": segment}
_KINDS = {
    **dict.fromkeys(("CR", "DX", "DR", "RG", "PX", "XRAY"), "xray"),
    **dict.fromkeys(("MR", "MRI"), "mri"),
    "CT": "ct",
}
_CODES = {"xray": "DX", "mri": "MR", "ct": "CT"}


def analyse(volume: Volume, spec: EnsembleSpec, models: ModelCache, progress: Progress) -> Analysis:
    """Run every member on `volume` and join what they say, as the ensemble's type asks.

    `progress(stage, done, total)` is called from this thread before each member and before the
    measuring. Raises InferenceError with a sentence that names the model, or what cannot be.
    """
    cards = {member.model: models.metadata(member) for member in spec.members}
    labels = _agreed_labels(spec, cards)
    _check_image(volume, cards)
    return _TASKS[spec.type](_as_read(volume, cards), spec, cards, labels, models, progress)


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
