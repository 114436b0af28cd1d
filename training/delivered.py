"""Runs the delivered model files, each by its own framework, as the platform would."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from safetensors.torch import load_file

from imaging.inference.grids import resize_map
from imaging.inference.postprocess import fill_holes, largest_components
from training.grid import to_network
from training.networks import build_network

Forward = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class DeliveredModel:
    """A model folder that was opened.

    `forward` takes (B, 1, Y, X) and gives logits, a map each or a number for each label.
    """

    name: str
    metadata: dict[str, Any]
    forward: Forward

    def probability(self, image: np.ndarray) -> np.ndarray:
        """Give the probability map (Y, X) float32 at the grid of the radiograph."""
        size = self.metadata["preprocessing"]["target_size"][0]
        (scale,) = self.metadata["intensity"]
        network_image = to_network(image, size, (scale["low"], scale["high"]))
        logits = self.forward(network_image[None, None])[0, 0].astype(np.float64)
        return resize_map(
            self._cleaned((1 / (1 + np.exp(-logits))).astype(np.float32)), image.shape
        )

    def _cleaned(self, probability: np.ndarray) -> np.ndarray:
        threshold = self.metadata["threshold"]
        for step in self.metadata["postprocess"]:
            if step["op"] == "largest_components":
                probability = largest_components(probability, threshold, step["count"])
            else:
                probability = fill_holes(probability, threshold)
        return probability


def open_model(folder: Path) -> DeliveredModel:
    """Open a model folder written by export.py."""
    metadata = json.loads((folder / "metadata.json").read_text())
    (file,) = metadata["sha256"]
    forward = _OPENERS[metadata["framework"]](folder / file, metadata)
    return DeliveredModel(metadata["name"], metadata, forward)


def _open_safetensors(path: Path, metadata: dict[str, Any]) -> Forward:
    network = build_network(metadata["network"])
    network.load_state_dict(load_file(path))
    network.eval()

    @torch.inference_mode()
    def forward(images: np.ndarray) -> np.ndarray:
        return network(torch.from_numpy(images)).numpy()

    return forward


def _open_onnx(path: Path, metadata: dict[str, Any]) -> Forward:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {session.get_inputs()[0].name: images})[0]


def _open_keras(path: Path, metadata: dict[str, Any]) -> Forward:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras  # reads the backend from the environment when it is first imported

    model = keras.models.load_model(path, compile=False)

    @torch.inference_mode()
    def forward(images: np.ndarray) -> np.ndarray:
        logits = torch.as_tensor(model(torch.from_numpy(images.transpose(0, 2, 3, 1))))
        return logits.numpy().transpose(0, 3, 1, 2) if logits.ndim > 2 else logits.numpy()

    return forward


_OPENERS: dict[str, Callable[[Path, dict[str, Any]], Forward]] = {
    "pytorch": _open_safetensors,
    "onnx": _open_onnx,
    "tensorflow": _open_keras,
}
