"""One pair of `validate`: analyse the image, read the reference, compare every mask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from imaging.answer_words import refusal
from imaging.engine.client import Engine
from imaging.inference.ensembles import model_folder
from imaging.inference.metadata import read_metadata
from imaging.inference.spec import EnsembleSpec
from imaging.measures.probability import Mask, mask_at, threshold_level
from imaging.measures.reference import compare, require_same_affine
from imaging.terminal.scores import Case
from imaging.terminal.work import Picture, Progress, analysed, map_read, opened
from imaging.types import InferenceError, Volume

ENSEMBLE = "ensemble"


@dataclass(frozen=True, slots=True)
class Examiner:
    """What every pair of one validation shares. `labels` is {finding label: its value in
    the references, None where all that is not zero is meant}."""

    decoder: Engine
    inferrer: Engine
    spec: EnsembleSpec
    labels: Mapping[str, int | None]
    models_dir: Path
    modality: str
    timeout_s: float


def pair_examine(
    examiner: Examiner, image: Path, reference: Path, *, file: str, on_progress: Progress
) -> list[Case]:
    """Return a case for the ensemble and for each member, by label; `file` is its name there.

    Raises: Refused, InferenceError, EngineError.
    """
    with (
        opened(examiner.decoder, image, modality=examiner.modality) as picture,
        opened(examiner.decoder, reference, modality=examiner.modality) as truth,
    ):
        _require_one_grid(picture.volume, truth.volume)
        references = _reference_masks(truth.volume.array, examiner.labels)
        spacing = _millimetres(picture.volume)
        patient = picture.record["header"]["patient_id"] or file
        return [
            Case(file, patient, who, label, compare(masks[label], references[label], spacing))
            for who, masks in _predictions(examiner, picture, on_progress)
            for label in examiner.labels
        ]


def _predictions(
    examiner: Examiner, picture: Picture, on_progress: Progress
) -> Iterator[tuple[str, dict[str, Mask]]]:
    """Yield the masks of the ensemble, then those of each member.

    With one label they come from the member maps of one analysis. With several, a member's
    maps by label are asked for member by member: an analysis keeps those of the ensemble only.
    """
    run = {"models_dir": examiner.models_dir, "timeout_s": examiner.timeout_s}
    spec = examiner.spec
    analysis = analysed(examiner.inferrer, picture, spec, **run, on_progress=on_progress)
    if sentence := refusal(analysis):
        raise InferenceError(sentence)
    yield ENSEMBLE, _masks(examiner, spec, picture, analysis["maps"])
    for member in spec.members:
        if member.weight == 0:
            continue
        if len(spec.labels) == 1:
            q = map_read(picture, analysis["maps"]["members"][member.model])
            only = spec.labels[0]
            yield member.model, {only: mask_at(q, threshold_level(spec.threshold))}
        else:
            alone = replace(spec, members=(replace(member, weight=1.0),))
            maps = analysed(examiner.inferrer, picture, alone, **run)["maps"]
            yield member.model, _masks(examiner, alone, picture, maps)


def _masks(
    examiner: Examiner, spec: EnsembleSpec, picture: Picture, maps: dict[str, Any]
) -> dict[str, Mask]:
    """Cut the finding into its labels (MEASURES §1): the likeliest one, or each by itself."""
    level = threshold_level(spec.threshold)
    finding = mask_at(map_read(picture, maps["ensemble"]), level)
    if len(spec.labels) == 1:
        return {spec.labels[0]: finding}
    by_label = {name: map_read(picture, maps["labels"][name]) for name in spec.labels}
    heaviest = read_metadata(model_folder(examiner.models_dir, spec.heaviest.model))
    if heaviest.activation != "softmax":
        return {name: mask_at(q, level) for name, q in by_label.items()}
    likeliest = np.argmax(np.stack(list(by_label.values())), axis=0)  # ties: the lower index
    return {name: finding & (likeliest == n) for n, name in enumerate(by_label)}


def _reference_masks(array: np.ndarray, labels: Mapping[str, int | None]) -> dict[str, Mask]:
    """A label without a value is everything that is not zero; others are told by their values."""
    if None in labels.values():
        return {name: array != 0 for name in labels}  # noqa: C420  a mask each, not one shared
    if not np.isin(array, [0, *labels.values()]).any():
        raise InferenceError("The reference holds none of the labels' values. Use --labels.")
    return {name: array == value for name, value in labels.items()}


def _millimetres(volume: Volume) -> tuple[float, float, float] | None:
    return volume.spacing_mm if volume.spacing_kind == "calibrated" else None


def _require_one_grid(image: Volume, reference: Volume) -> None:
    if image.array.shape != reference.array.shape:
        raise InferenceError(
            f"The image is {_size(image)} and its reference {_size(reference)}: they must be equal."
        )
    try:
        require_same_affine(image.affine, reference.affine)
    except ValueError as error:
        raise InferenceError(str(error)) from error


def _size(volume: Volume) -> str:
    return "×".join(str(n) for n in volume.array.shape)
