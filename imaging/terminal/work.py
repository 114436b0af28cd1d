"""One input after another through the two engines, as the commands drive them."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from imaging.engine.client import Engine, EngineError
from imaging.engine.records import pixels_read, volume_from_json, volume_to_json
from imaging.engine.scratch import scratch_folder
from imaging.formats.budgets import HEAD_BYTES
from imaging.formats.sniffing import named, sniff
from imaging.inference.spec import EnsembleSpec
from imaging.types import LOCALIZER, InferenceError, Refused, Volume

DECODE_TIMEOUT_S, SERIES_TIMEOUT_S = 60.0, 600.0
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
def opened(
    engine: Engine, path: Path, *, modality: str = "", more: Sequence[Path] = ()
) -> Iterator[Picture]:
    """Decode a file, or with `more` a series, in the child.

    modality   for pictures that do not say it themselves.

    Raises: Refused, EngineError.
    """
    room = _ROOM_BYTES + sum(one.stat().st_size for one in (path, *more))
    with scratch_folder(room_bytes=room) as folder:
        if more:
            record = _series(engine, (path, *more), folder)
        else:
            file_copied(path, folder / _SOURCE)
            record = engine.call(
                "decode",
                timeout_s=DECODE_TIMEOUT_S,
                path=str(folder / _SOURCE),
                name=path.name,
                out_dir=str(folder),
            )["image"]
        array = pixels_read(folder / record["pixels"], record["dtype"], record["shape"])
        volume = volume_from_json(record["volume"], array)
        volume = replace(
            volume,
            modality=volume.modality or modality,
            body_part=record["header"].get("body_part", ""),
            localizer=LOCALIZER in record["warnings"],
        )
        yield Picture(record, volume, folder)


def series_found(engine: Engine, files: Iterable[Path]) -> list[Path | list[Path]]:
    """Return the files in their order, those of one DICOM series together.

    What cannot be told is left alone: its refusal is said when it is opened.
    """
    found: dict[str, list[Path]] = {}
    for number, path in enumerate(files):
        found.setdefault(_series_of(engine, path) or f"alone {number}", []).append(path)
    return [paths[0] if len(paths) == 1 else paths for paths in found.values()]


def analysed(
    engine: Engine,
    picture: Picture,
    spec: EnsembleSpec,
    *,
    models_dir: Path,
    timeout_s: float,
    on_progress: Progress | None = None,
    maps: bool = True,
) -> dict[str, Any]:
    """Run the ensemble; the maps that the answer names lie in the picture's folder.

    Without `maps` classifiers draw none of where they looked.

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
        maps=maps,
    )
    return answer["analysis"]


def map_read(picture: Picture, name: str) -> np.ndarray:
    """Map one of an analysis's files: uint8, on the picture's grid."""
    return pixels_read(picture.folder / name, "uint8", picture.record["shape"])


def reason(error: Exception) -> str:
    """The sentence of an expected error."""
    return error.sentence if isinstance(error, Refused) else str(error)


def _series_of(engine: Engine, path: Path) -> str:
    with contextlib.suppress(OSError, *EXPECTED), scratch_folder() as folder:
        with path.open("rb") as file:
            if sniff(file.read(HEAD_BYTES)) != "dicom":
                return ""
        file_copied(path, folder / _SOURCE)
        source = str(folder / _SOURCE)
        return str(engine.call("survey", timeout_s=DECODE_TIMEOUT_S, path=source)["series"])
    return ""


def _series(engine: Engine, paths: Sequence[Path], folder: Path) -> dict[str, Any]:
    """Return the record of the one volume that a series is. Raises: Refused."""
    names = [f"{number}.dcm" for number in range(len(paths))]
    for path, name in zip(paths, names, strict=True):
        file_copied(path, folder / name)
    found = engine.call(
        "decode_series", timeout_s=SERIES_TIMEOUT_S, files=names, out_dir=str(folder)
    )
    if found["refused"]:
        first = found["refused"][0]
        refused = Refused(first["code"], first["sentence"])
        raise named(refused, paths[first["files"][0]].name)
    if len(found["images"]) != 1:
        raise Refused(
            "series-many-stacks",
            f"This series is {len(found['images'])} stacks of slices. Give the files of one;"
            " manage.py inspect says which they are.",
        )
    return dict(found["images"][0])


def file_copied(path: Path, target: Path) -> None:
    """Give the child a file of its own: it may lack this process's right to read the original."""
    try:
        shutil.copyfile(path, target)
    except OSError as error:
        raise Refused("unreadable", f"The file cannot be opened: {error.strerror}.") from None
