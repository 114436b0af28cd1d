"""Run a network over a prepared batch: chunks or sliding windows, mirrored copies, activation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from imaging.inference.activation import activate
from imaging.inference.grids import FloatArray
from imaging.inference.metadata import ModelMetadata
from imaging.inference.metadata_recipe import Tiling

Predict = Callable[[FloatArray], FloatArray]
SLICES_AT_ONCE = 4


def probabilities(
    batch: FloatArray, metadata: ModelMetadata, predict: Predict, *, sparing: bool = False
) -> FloatArray:
    """Return the network's probabilities (B, K, *grid) for a batch (B, C or 1, *grid).

    Mirrored copies (`tta`) are averaged after activation with equal weights. Windows overlap
    with Gaussian weights on what the network returns. `sparing` runs one item at a time.
    """
    grid = batch.shape[2:]
    total: FloatArray | None = None
    for axes in metadata.tta:
        output = _run(np.flip(batch, axes), metadata, predict, sparing)
        p = np.flip(activate(output, metadata, grid), axes)
        total = p if total is None else total + p
    assert total is not None  # tta holds at least the identity
    return total / np.float32(len(metadata.tta)) if len(metadata.tta) > 1 else total


def _run(batch: FloatArray, metadata: ModelMetadata, predict: Predict, sparing: bool) -> FloatArray:
    fixed, channels = metadata.input_shape[0], len(metadata.channels)
    at_once = fixed or (1 if sparing else SLICES_AT_ONCE)

    def in_chunks(items: FloatArray) -> FloatArray:
        chunks = (items[start : start + at_once] for start in range(0, len(items), at_once))
        return np.concatenate([_predict_chunk(c, channels, fixed, predict) for c in chunks])

    if metadata.tiling is None:
        return in_chunks(batch)
    return _slide(batch, metadata.tiling, in_chunks, 1 if sparing else metadata.tiling.batch)


def _predict_chunk(
    chunk: FloatArray, channels: int, fixed: int | None, predict: Predict
) -> FloatArray:
    """Repeat grey over the channels, fill up a fixed batch with the last item, and run."""
    count = len(chunk)
    if chunk.shape[1] != channels:
        chunk = np.repeat(chunk, channels, axis=1)
    if fixed and count < fixed:
        chunk = np.concatenate([chunk, np.repeat(chunk[-1:], fixed - count, axis=0)])
    return predict(np.ascontiguousarray(chunk, dtype=np.float32))[:count]


def _slide(batch: FloatArray, tiling: Tiling, predict: Predict, at_once: int) -> FloatArray:
    import torch
    from monai.inferers import sliding_window_inference

    output = sliding_window_inference(
        inputs=torch.from_numpy(np.ascontiguousarray(batch)),
        roi_size=tiling.roi_size,
        sw_batch_size=at_once,
        predictor=lambda tiles: torch.from_numpy(predict(tiles.numpy())),
        overlap=tiling.overlap,
        mode="gaussian",
    )
    assert isinstance(output, torch.Tensor)  # one tensor in, one tensor out
    return np.asarray(output.numpy(), dtype=np.float32)
