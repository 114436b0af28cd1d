"""Run a model's golden case: decode its picture, analyse it as any, compare with the answer."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from imaging.engine.serving import Progress
from imaging.formats.reading import read
from imaging.inference.cache import ModelCache
from imaging.inference.ensembles import model_folder
from imaging.inference.golden import NONE, GoldenCase, compared, told
from imaging.inference.metadata import ModelMetadata, read_metadata
from imaging.inference.pipeline import analyse
from imaging.inference.spec import MemberSpec, spec_from_members
from imaging.types import InferenceError, Refused, Volume

MODALITY = {"xray": "DX", "mri": "MR", "ct": "CT"}


def golden_run(root: Path, name: str, progress: Progress) -> dict[str, Any]:
    """Return {"outcome": "passed", "failed" or "none", "figures", "sentence", …} of a model.

    Whatever keeps the case from being run is a failure with its sentence.
    """
    folder = model_folder(root, name)
    metadata = read_metadata(folder)
    case = metadata.golden
    if case is None:
        return {"outcome": NONE, "figures": {}, "sentence": ""}
    try:
        found = _run(root, folder, metadata, case, progress)
    except Refused as refused:
        return told([refused.sentence], {})
    except (InferenceError, OSError, ValueError) as error:
        return told([str(error)], {})
    return {**found, "input": case.input, "sha256": _digest(folder / case.input)}


def opened(path: Path, metadata: ModelMetadata) -> Volume:
    """Return the volume of a file; what it does not say of its kind, the model does."""
    volume = read(path, path.name).volume
    return replace(volume, modality=volume.modality or MODALITY[metadata.modality[0]])


def _run(
    root: Path, folder: Path, metadata: ModelMetadata, case: GoldenCase, progress: Progress
) -> dict[str, Any]:
    volume = opened(folder / case.input, metadata)
    spec = spec_from_members(root, [MemberSpec(metadata.name, device="cpu")])
    analysis = analyse(volume, spec, ModelCache(root), progress)
    if analysis.gate["verdict"] == "refuse":
        checks = " ".join(one["sentence"] for one in analysis.gate["checks"])
        return told([f"Its own input check refuses the picture: {checks}"], {})
    expected = None
    if metadata.type == "segmentation":
        expected = read(folder / case.expected, case.expected).volume.array
    return compared(analysis, case, volume, spec, expected)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
