"""Keras files without TensorFlow: configuration read as JSON, layers rebuilt, weights as arrays."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import h5py
import numpy as np
import torch

from imaging.inference.backends.gradcam import Keep, gradcam
from imaging.inference.backends.keras_graph import NotPlain, Part, rebuild
from imaging.inference.backends.keras_runtime import keras
from imaging.inference.backends.keras_weights import fill_from_keras3, fill_from_legacy
from imaging.inference.errors import ModelFileError
from imaging.inference.grids import FloatArray
from imaging.inference.metadata import ModelMetadata
from imaging.inference.model_files import titled

MAX_CONFIG_BYTES = 16 << 20
MAX_WEIGHTS_BYTES = 2 << 30
_CONVOLUTIONS = ("Conv2D", "Conv3D", "SeparableConv2D", "DepthwiseConv2D")
CONFIG, WEIGHTS = "config.json", "model.weights.h5"


class KerasPredictor:
    """A rebuilt Keras network on the torch backend."""

    fallback = ""

    def __init__(self, root: Part, metadata: ModelMetadata, device: str) -> None:
        self.device = device
        self._root = root
        self._model = root.layer
        self._last = metadata.channel_axis == -1
        self._owner = titled(metadata)

    def predict(self, batch: FloatArray) -> FloatArray:
        found = self.outputs(batch)
        if len(found) != 1:
            raise ModelFileError(f"{self._owner} returned several outputs; one is expected.")
        (output,) = found
        output = np.moveaxis(output, -1, 1) if self._last else output
        return np.ascontiguousarray(output, dtype=np.float32)

    def outputs(self, batch: FloatArray) -> list[FloatArray]:
        values = np.moveaxis(batch, 1, -1) if self._last else batch
        with torch.no_grad(), keras.device(self.device):
            tensor = torch.from_numpy(np.ascontiguousarray(values)).to(self.device)
            found = self._model(tensor, training=False)
            several = found if isinstance(found, list | tuple) else [found]
            return [one.float().cpu().numpy() for one in several]

    def gradcam(self, batch: FloatArray, channels: Sequence[int]) -> list[FloatArray]:
        """Return the Grad-CAM map of each output channel, on the grid of the last convolution."""
        values = np.moveaxis(batch, 1, -1) if self._last else batch
        tensor = torch.from_numpy(np.ascontiguousarray(values)).to(self.device).clone()
        with keras.device(self.device):
            return gradcam(self._run, self._watched, tensor, channels, last=self._last)

    def _run(self, batch: torch.Tensor) -> torch.Tensor:
        return self._model(batch, training=False)

    @contextmanager
    def _watched(self, keep: Keep) -> Iterator[None]:
        """Lead every convolution's output through `keep`: torch's hooks do not hear of layers."""
        layers = [part.layer for part in _convolutions(self._root)]
        for layer in layers:
            layer.call = _kept(layer.call, keep)
        try:
            yield
        finally:
            for layer in layers:
                del layer.call  # the method of its class again


def load(name: str, data: bytes, metadata: ModelMetadata, device: str) -> KerasPredictor:
    """Return a predictor from the bytes of a .keras or .h5; nothing in the file is executed."""
    if keras.backend.backend() != "torch":
        raise RuntimeError(f"KERAS_BACKEND is {keras.backend.backend()}, torch is needed")
    with keras.device(device):
        root = read(f"{titled(metadata)}: file {name}", data)
    return KerasPredictor(root, metadata, device)


def read(owner: str, data: bytes) -> Part:
    """Return the network that a file describes, its weights filled in. Raises ModelFileError."""
    try:
        return _from_h5(data) if _is_hdf5(data) else _from_zip(data)
    except NotPlain as error:
        raise ModelFileError(f"{owner}: {error}") from None
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, RecursionError) as error:
        raise ModelFileError(f"{owner} is not a readable Keras file ({error}).") from None


def _convolutions(part: Part) -> Iterator[Part]:
    if part.class_name in _CONVOLUTIONS:
        yield part
    for inner in part.parts:
        yield from _convolutions(inner)


def _kept(call: Callable[..., torch.Tensor], keep: Keep) -> Callable[..., torch.Tensor]:
    return lambda *args, **settings: keep(call(*args, **settings))


def _is_hdf5(data: bytes) -> bool:
    return data[:8] == b"\x89HDF\r\n\x1a\n"


def _from_zip(data: bytes) -> Part:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        root = rebuild(json.loads(_member(archive, CONFIG, MAX_CONFIG_BYTES)))
        weights = _member(archive, WEIGHTS, MAX_WEIGHTS_BYTES)
    with h5py.File(io.BytesIO(weights), "r") as file:
        fill_from_keras3(root, file)
    return root


def _from_h5(data: bytes) -> Part:
    with h5py.File(io.BytesIO(data), "r") as file:
        if "model_config" not in file.attrs:
            raise NotPlain("The file holds weights only. Save the whole model: model.save().")
        root = rebuild(json.loads(file.attrs["model_config"]))
        fill_from_legacy(root, file["model_weights"])
    return root


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    info = archive.getinfo(name)
    if info.file_size > most:
        raise NotPlain(f"{name} has {info.file_size} bytes; {most} allowed.")
    return archive.read(info)
