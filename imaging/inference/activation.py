"""From what a network returns to probabilities, or a refusal."""

from __future__ import annotations

import numpy as np

from imaging.inference.grids import FloatArray
from imaging.inference.metadata import ModelMetadata
from imaging.inference.model_files import titled
from imaging.types import InferenceError

TOLERANCE = 1e-3


def activate(output: FloatArray, metadata: ModelMetadata, grid: tuple[int, ...]) -> FloatArray:
    """Return probabilities (B, C, *grid) in 0..1 from a network's output of that shape.

    Raises InferenceError for another shape or channel count than metadata.json declares, for
    NaN and infinity, and for values outside 0..1 where activation is "none". Source: MEASURES §1.
    """
    check_output(output, metadata, grid)
    if not np.isfinite(output).all():
        raise InferenceError(f"{titled(metadata)} returned values that are not numbers.")
    scaled = output if metadata.temperature == 1 else output / np.float32(metadata.temperature)
    if metadata.activation == "sigmoid":
        return sigmoid(scaled)
    if metadata.activation == "softmax":
        return softmax(scaled)
    low, high = float(scaled.min()), float(scaled.max())
    if low < -TOLERANCE or high > 1 + TOLERANCE:
        raise InferenceError(
            f"{titled(metadata)} declares probabilities, returned {low:.4g}…{high:.4g}. "
            "Set `activation` in metadata.json."
        )
    return np.clip(scaled, 0, 1)


def sigmoid(z: FloatArray) -> FloatArray:
    """Return 1/(1 + e^-z), written by tanh so that it cannot overflow."""
    return np.float32(0.5) * (np.float32(1) + np.tanh(np.float32(0.5) * z))


def softmax(z: FloatArray) -> FloatArray:
    """Return softmax over axis 1, after subtracting the maximum."""
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def check_output(output: FloatArray, metadata: ModelMetadata, grid: tuple[int, ...]) -> None:
    """Raise InferenceError for another shape or channel count than metadata.json declares."""
    wanted = len(metadata.channel_labels)
    if output.ndim != len(grid) + 2 or output.shape[1] != wanted:
        raise InferenceError(
            f"{titled(metadata)} returned an array of shape {list(output.shape)}; "
            f"metadata.json declares {wanted} channel(s) on {len(grid)} axes."
        )
    if output.shape[2:] != tuple(grid):
        raise InferenceError(
            f"{titled(metadata)} returned a grid of {list(output.shape[2:])}, "
            f"its input was {list(grid)}."
        )
