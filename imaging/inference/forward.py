"""Run a network over a prepared batch: chunks or sliding windows, mirrored copies, activation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from imaging.inference.activation import activate, check_output
from imaging.inference.grids import FloatArray
from imaging.inference.metadata import ModelMetadata
from imaging.inference.thrift import AS_DECLARED, Thrift
from imaging.inference.windows import slide

Predict = Callable[[FloatArray], FloatArray]
SLICES_AT_ONCE = 4


def probabilities(
    batch: FloatArray,
    metadata: ModelMetadata,
    predict: Predict,
    *,
    thrift: Thrift = AS_DECLARED,
    keep: Sequence[int] | None = None,
    on_copy: Callable[[FloatArray], None] | None = None,
) -> FloatArray:
    """Return the network's probabilities (B, K, *grid) for a batch (B, C or 1, *grid).

    `keep` names the channels that are returned, None: all. Mirrored copies (`tta`) are averaged
    after activation with equal weights; `on_copy` sees each. Windows overlap with Gaussian weights
    on what the network returns; whatever the grid, memory holds the kept channels and one slab of
    windows.
    """
    channels = range(len(metadata.channel_labels)) if keep is None else keep
    total: FloatArray | None = None
    for axes in metadata.tta:
        p = _run(np.flip(batch, axes), metadata, predict, thrift, list(channels))
        p = np.flip(p, axes)
        if on_copy is not None:
            on_copy(p)
        total = p if total is None else total + p
    assert total is not None  # tta holds at least the identity
    return total / np.float32(len(metadata.tta)) if len(metadata.tta) > 1 else total


def _run(
    batch: FloatArray,
    metadata: ModelMetadata,
    predict: Predict,
    thrift: Thrift,
    keep: list[int],
) -> FloatArray:
    fixed, wanted = metadata.input_shape[0], len(metadata.channels)
    at_once = fixed or (1 if thrift.one_by_one else SLICES_AT_ONCE)
    grid = batch.shape[2:]

    def in_chunks(items: FloatArray) -> FloatArray:
        chunks = (items[start : start + at_once] for start in range(0, len(items), at_once))
        return np.concatenate([_predict_chunk(c, wanted, fixed, predict) for c in chunks])

    if metadata.tiling is None:
        return activate(in_chunks(batch), metadata, grid)[:, keep]
    roi = thrift.window(metadata)
    windows = 1 if thrift.one_by_one else metadata.tiling.batch

    def in_windows(items: FloatArray) -> FloatArray:
        output = in_chunks(items)
        check_output(output, metadata, roi)
        return output

    p = np.empty((len(batch), len(keep), *grid), dtype=np.float32)
    for number, item in enumerate(batch):
        plan = metadata.tiling
        slabs = slide(item, roi, plan.overlap, windows, in_windows, padding=plan.padding)
        for start, slab in slabs:
            planes = slice(start, start + slab.shape[1])
            p[number, :, planes] = activate(slab[None], metadata, slab.shape[1:])[0, keep]
    return p


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
