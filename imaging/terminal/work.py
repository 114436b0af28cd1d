"""One input after another through the two engines, as the commands drive them."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from imaging.engine.client import Engine, EngineError
from imaging.engine.records import pixels_read, volume_from_json, volume_to_json
from imaging.engine.scratch import scratch_folder
from imaging.inference.spec import EnsembleSpec
from imaging.types import LOCALIZER, InferenceError, Refused, Volume

DECODE_TIMEOUT_S = 60.0
_ROOM_BYTES = 1 << 30
_SOURCE = "source"
EXPECTED = (Refused, InferenceError, EngineError)  # str() of these is for the person
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded file; its pixels are mapped from `folder`, which is gone when it is closed."""

    record: dict[str, Any]
    volume: Volume
    folder: Path


@contextlib.contextmanager
def opened(engine: Engine, path: Path, *, modality: str = "") -> Iterator[Picture]:
    """Decode a file in the child. `modality` is for pictures that do not say it themselves.

    Raises: Refused, EngineError.
    """
    with scratch_folder(room_bytes=_ROOM_BYTES) as folder:
        file_copied(path, folder / _SOURCE)
        answer = engine.call(
            "decode",
            timeout_s=DECODE_TIMEOUT_S,
            path=str(folder / _SOURCE),
            name=path.name,
            out_dir=str(folder),
        )
        record = answer["image"]
        array = pixels_read(folder / record["pixels"], record["dtype"], record["shape"])
        volume = volume_from_json(record["volume"], array)
        volume = replace(
            volume,
            modality=volume.modality or modality,
            body_part=record["header"].get("body_part", ""),
            localizer=LOCALIZER in record["warnings"],
        )
        yield Picture(record, volume, folder)


def analysed(
    engine: Engine,
    picture: Picture,
    spec: EnsembleSpec,
    *,
    models_dir: Path,
    timeout_s: float,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Run the ensemble; the maps that the answer names lie in the picture's folder.

    Raises: InferenceError, EngineError.
    """
    answer = engine.call(
        "analyse",
        timeout_s=timeout_s,
        on_progress=on_progress,
        pixels=str(picture.folder / picture.record["pixels"]),
        dtype=picture.record["dtype"],
        shape=picture.record["shape"],
        volume=volume_to_json(picture.volume),
        spec=spec.to_json(),
        models_dir=str(models_dir.resolve()),
        out_dir=str(picture.folder),
    )
    return answer["analysis"]


def map_read(picture: Picture, name: str) -> np.ndarray:
    """Map one of an analysis's files: uint8, on the picture's grid."""
    return pixels_read(picture.folder / name, "uint8", picture.record["shape"])


def reason(error: Exception) -> str:
    """The sentence of an expected error."""
    return error.sentence if isinstance(error, Refused) else str(error)


def file_copied(path: Path, target: Path) -> None:
    """Give the child a file of its own: it may lack this process's right to read the original."""
    try:
        shutil.copyfile(path, target)
    except OSError as error:
        raise Refused("unreadable", f"The file cannot be opened: {error.strerror}.") from None
