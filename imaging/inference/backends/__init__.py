"""One way to load and run a network, whatever framework made it; a framework wakes on first use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from imaging.inference.grids import FloatArray
from imaging.inference.metadata import ModelMetadata
from imaging.inference.model_files import read_verified

_MODULES = {
    "pytorch": "imaging.inference.backends.torch_backend",
    "onnx": "imaging.inference.backends.onnx_backend",
    "tensorflow": "imaging.inference.backends.keras_backend",
}


class Predictor(Protocol):
    """A loaded network.

    device    where it really runs, "cpu" or "cuda:N".
    fallback  one sentence when that is not where it was sent, else "".
    """

    device: str
    fallback: str

    def predict(self, batch: FloatArray) -> FloatArray:
        """Return the raw output (B, K, *spatial) for a batch (B, C, *spatial), both float32."""
        ...

    def outputs(self, batch: FloatArray) -> list[FloatArray]:
        """Return every raw output as it comes, for a batch (B, C, *spatial): a detector's three."""
        ...


@dataclass(frozen=True, slots=True)
class Loaded:
    """A predictor and the sha256 of the bytes it was made of."""

    predictor: Predictor
    sha256: str


def load(
    folder: Path, metadata: ModelMetadata, device: str, expected: Mapping[str, str] | None = None
) -> Loaded:
    """Read the model file once, compare its hash, and build the network from those bytes.

    Raises ModelFileError, naming model and file, for a changed file or one that is not run here.
    """
    name, data, digest = read_verified(folder, metadata, expected)
    backend = import_module(_MODULES[metadata.framework])
    return Loaded(backend.load(name, data, metadata, device), digest)
