"""How long one image takes on each engine that this machine has, and how far they lie apart."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch

from imaging.inference import backends
from imaging.inference.backends import torch_backend
from imaging.inference.conversion.exporting import module_to_onnx
from imaging.inference.conversion.probing import TOLERANCE, Predict, answers, predict_of, probes
from imaging.inference.errors import ModelFileError
from imaging.inference.grids import FloatArray
from imaging.inference.metadata import METADATA_FILE, ModelMetadata, read_metadata
from imaging.types import InferenceError

REPEATS = 3
SLOW_MS = 3000
NO_OPENVINO = "OpenVINO is not installed on this machine, so it was not timed."
_NAMES = {"pytorch": "torch", "onnx": "ONNX Runtime", "tensorflow": "Keras on torch"}


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of one forward pass on `grid`: the median of three, or one that is slow.

    apart    largest difference of probabilities from the engine that serves.
    serves   this is the one that runs use; the others are told, never taken unasked.
    """

    engine: str
    ms: float
    grid: tuple[int, ...]
    apart: float
    within: bool
    serves: bool

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"grid": list(self.grid)}


def timings(folder: Path, grid: tuple[int, ...], work: Path) -> list[Timing]:
    """Time a converted model on its own engine and on each other that it can be brought to."""
    metadata = read_metadata(folder)
    batch = probes(metadata, grid)[-1]
    own = predict_of(backends.load(folder, metadata, "cpu").predictor, metadata)
    reference = answers(own, metadata, batch)[0]
    found = [_timed(_NAMES[metadata.framework], own, metadata, batch, reference, serves=True)]
    for name, predict in _others(folder, metadata, grid, work):
        found.append(_timed(name, predict, metadata, batch, reference, serves=False))
    return found


def _others(
    folder: Path, metadata: ModelMetadata, grid: tuple[int, ...], work: Path
) -> Iterator[tuple[str, Predict]]:
    try:
        place, card = _as_onnx(folder, metadata, grid, work)
        if metadata.framework != "onnx":
            yield _NAMES["onnx"], predict_of(backends.load(place, card, "cpu").predictor, card)
        if has_openvino():
            yield "OpenVINO", _openvino((place / "model.onnx").read_bytes())
    except InferenceError:
        return  # this network cannot be brought to ONNX; its own engine serves


def has_openvino() -> bool:
    """Whether this machine has OpenVINO, which is timed where it is there and never required."""
    return importlib.util.find_spec("openvino") is not None


def _as_onnx(
    folder: Path, metadata: ModelMetadata, grid: tuple[int, ...], work: Path
) -> tuple[Path, ModelMetadata]:
    if metadata.framework == "onnx":
        return folder, metadata
    if metadata.framework != "pytorch":
        raise ModelFileError("Keras files stay on their own engine here.")
    predictor = backends.load(folder, metadata, "cpu").predictor
    assert isinstance(predictor, torch_backend.TorchPredictor)  # by its framework
    place = work / "onnx" / metadata.name
    place.mkdir(parents=True)
    (place / "model.onnx").write_bytes(module_to_onnx(predictor.module, metadata, grid))
    record = {**metadata.raw, "framework": "onnx"}
    record = {key: value for key, value in record.items() if key not in ("network", "sha256")}
    (place / METADATA_FILE).write_text(json.dumps(record), encoding="utf-8")
    return place, read_metadata(place)


def _timed(
    engine: str,
    predict: Predict,
    metadata: ModelMetadata,
    batch: FloatArray,
    reference: FloatArray,
    *,
    serves: bool,
) -> Timing:
    started = perf_counter()
    output = answers(predict, metadata, batch)[0]  # warms up; a slow network is not run again
    spent = [(perf_counter() - started) * 1000]
    if spent[0] < SLOW_MS:
        spent = []
    for _ in range(0 if spent else REPEATS):
        started = perf_counter()
        predict(batch)
        spent.append((perf_counter() - started) * 1000)
    apart = float(np.abs(output - reference).max()) if output.shape == reference.shape else 1.0
    grid = tuple(batch.shape[2:])
    return Timing(engine, round(median(spent), 2), grid, apart, apart <= TOLERANCE, serves)


def _openvino(data: bytes) -> Predict:
    import openvino

    core = openvino.Core()
    # it computes in bf16 unasked, which moves logits by 6.6e-2
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    compiled = core.compile_model(core.read_model(data), "CPU", settings)

    def run(batch: FloatArray) -> FloatArray:
        return np.asarray(compiled(batch)[0], dtype=np.float32)

    return run
