"""Where models folder, store and registry differ; nothing is changed by looking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from imaging.inference.ensembles import model_names
from imaging.inference.metadata import read_metadata
from imaging.inference.model_files import is_to_convert
from imaging.models import ModelOrigin, ModelState, ModelVersion
from imaging.registry.store import folder_of
from imaging.registry.sync import files_check
from imaging.types import InferenceError

NEW, CHANGED, MISSING, BROKEN = "new", "changed", "missing", "broken"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a sync would act on, or that a person must mend."""

    kind: str
    model: str
    words: str = ""


def models_compare() -> list[Difference]:
    """Return every difference between what lies there and what is registered."""
    return [*_folders(Path(settings.MODELS_DIR)), *_rows()]


def _folders(root: Path) -> Iterator[Difference]:
    for name in model_names(root):
        try:
            metadata = read_metadata(root / name)
        except InferenceError as error:
            yield Difference(BROKEN, name, str(error))
            continue
        rows = ModelVersion.objects.filter(name=name, version=metadata.version)
        if not rows.exists():
            words = "It is converted first." if is_to_convert(root / name) else ""
            yield Difference(NEW, f"{name} {metadata.version}", words)


def _rows() -> Iterator[Difference]:
    for model in ModelVersion.objects.exclude(state=ModelState.RETIRED):
        folder = folder_of(model)
        if not (folder / "metadata.json").is_file():
            yield Difference(MISSING, str(model), f"There is no {folder}.")
            continue
        try:
            if model.origin == ModelOrigin.FOLDER and _is_other_version(folder, model):
                yield Difference(MISSING, str(model), "The folder holds another version now.")
            else:
                files_check(folder, model)
        except InferenceError as error:
            yield Difference(CHANGED, str(model), str(error))


def _is_other_version(folder: Path, model: ModelVersion) -> bool:
    return read_metadata(folder).version != model.version
