"""Three drawn inputs, and how far two networks' probabilities for them lie apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from imaging.inference.activation import sigmoid, softmax
from imaging.inference.errors import ModelFileError
from imaging.inference.grids import FloatArray
from imaging.inference.metadata import ModelMetadata
from imaging.inference.metadata_shapes import spatial_size
from imaging.inference.model_files import titled
from imaging.types import InferenceError

TOLERANCE = 1e-3
_MOST = {2: 256, 3: 64}  # pixels a side of a probe, where the network takes any size
Predict = Callable[[FloatArray], FloatArray | Sequence[FloatArray]]


def probe_grid(metadata: ModelMetadata) -> tuple[int, ...]:
    """Return the size the network is tried on: its own where it is fixed, else a small one."""
    wanted = metadata.tiling.roi_size if metadata.tiling else metadata.target_size
    fixed = spatial_size(metadata.input_shape, metadata.channel_axis)
    most = _MOST[len(wanted)]
    return tuple(have or min(want, most) for have, want in zip(fixed, wanted, strict=True))


def probes(metadata: ModelMetadata, grid: tuple[int, ...]) -> list[FloatArray]:
    """Return a slope, an ellipse and noise, each (1, C, *grid), float32 in 0..1."""
    shape = (1, len(metadata.channels), *grid)
    slope = np.linspace(0, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    axes = np.ogrid[tuple(slice(-1, 1, complex(0, n)) for n in grid)]
    inside = sum(axis**2 for axis in axes) < 0.5
    ellipse = np.broadcast_to(np.where(inside, 0.8, 0.1), shape).astype(np.float32)
    noise = np.random.default_rng(5).random(shape, dtype=np.float32)
    return [slope, ellipse, noise]


def predict_of(predictor: Any, metadata: ModelMetadata) -> Predict:
    """Return how a loaded network is asked: a detector for all its outputs."""
    if metadata.type == "detection":
        return getattr(predictor, "outputs", predictor.predict)
    return predictor.predict


def agreement(
    original: Predict, served: Predict, metadata: ModelMetadata, inputs: Sequence[FloatArray]
) -> float:
    """Return the largest difference of probabilities; ModelFileError where it passes TOLERANCE."""
    worst = 0.0
    for batch in inputs:
        for ours, theirs in zip(
            answers(served, metadata, batch), answers(original, metadata, batch), strict=True
        ):
            worst = max(worst, _apart(ours, theirs, metadata))
    if worst > TOLERANCE:
        raise ModelFileError(
            f"{titled(metadata)}: converted, its probabilities differ from the original's by "
            f"{worst:.2g}; at most {TOLERANCE:g} is allowed. Send ONNX."
        )
    return worst


def answers(predict: Predict, metadata: ModelMetadata, batch: FloatArray) -> list[FloatArray]:
    """Run a network once and return its outputs as probabilities. Raises ModelFileError."""
    try:
        output = predict(batch)
    except InferenceError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # whatever a network or its framework raises
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise ModelFileError(
            f"{titled(metadata)} cannot be run on an input of {list(batch.shape)}: {reason}"
        ) from None
    found = [output] if isinstance(output, np.ndarray) else [np.asarray(one) for one in output]
    for one in found:
        if one.dtype.kind == "f" and not np.isfinite(one).all():
            raise ModelFileError(f"{titled(metadata)} returned values that are not numbers.")
    return [_probabilities(one, metadata) for one in found] if len(found) == 1 else found


class ChannelsDiffer(ModelFileError):
    """The network returns another number of channels than labels are named."""

    def __init__(self, metadata: ModelMetadata, found: int) -> None:
        super().__init__(
            f"{titled(metadata)}: labels: {len(metadata.labels)} names, "
            f"but the network returns {found} channel(s)."
        )
        self.found = found


def require_declared(outputs: Sequence[FloatArray], metadata: ModelMetadata) -> None:
    """Raise ModelFileError unless the network returns what output_shape says."""
    if metadata.type == "detection":
        if len(outputs) != 3:
            raise ModelFileError(
                f"{titled(metadata)} returns {len(outputs)} output(s); a detector returns three: "
                "boxes, scores, labels."
            )
        return
    (found,) = outputs if len(outputs) == 1 else (None,)
    dims = metadata.spatial_dims + 2 if metadata.type == "segmentation" else 2
    if found is None or found.ndim != dims:
        shapes = [list(one.shape) for one in outputs]
        raise ModelFileError(
            f"{titled(metadata)} returns {shapes}; output_shape says {list(metadata.output_shape)}."
        )
    if found.shape[1] != len(metadata.channel_labels):
        raise ChannelsDiffer(metadata, found.shape[1])


def _apart(ours: FloatArray, theirs: FloatArray, metadata: ModelMetadata) -> float:
    if ours.shape != theirs.shape:
        raise ModelFileError(
            f"{titled(metadata)}: converted, it returns {list(ours.shape)}, "
            f"the original {list(theirs.shape)}. Send ONNX."
        )
    if not ours.size:
        return 0.0
    return float(np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max())


def _probabilities(output: FloatArray, metadata: ModelMetadata) -> FloatArray:
    if metadata.activation == "sigmoid":
        return sigmoid(output / np.float32(metadata.temperature))
    if metadata.activation == "softmax":
        return softmax(output / np.float32(metadata.temperature))
    return output
