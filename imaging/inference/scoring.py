"""What a classification network says of one image: a probability for each of its labels."""

from __future__ import annotations

import numpy as np

from imaging.inference.activation import activate
from imaging.inference.grids import FloatArray
from imaging.inference.members import Watch
from imaging.inference.metadata import ModelMetadata
from imaging.inference.metadata_labels import label_key
from imaging.inference.preprocess import prepare
from imaging.types import Volume

AT_ONCE = 8
Scores = dict[str, float]


def scores_of(volume: Volume, metadata: ModelMetadata, predict: Watch, spare: object) -> Scores:
    """Return p by label_key. Of several slices shown to a flat network the largest p counts."""
    batch = prepare(volume, metadata).batch
    p = class_probabilities(batch, metadata, predict, at_once=1 if spare else AT_ONCE)
    return {
        label_key(name): float(p[:, channel].max())
        for channel, name in enumerate(metadata.channel_labels)
    }


def class_probabilities(
    batch: FloatArray, metadata: ModelMetadata, predict: Watch, *, at_once: int = AT_ONCE
) -> FloatArray:
    """Return probabilities (B, K); mirrored copies (`tta`) are averaged with equal weights."""
    copies = []
    for axes in metadata.tta:
        mirrored = np.flip(batch, axes)
        chunks = (mirrored[n : n + at_once] for n in range(0, len(mirrored), at_once))
        output = np.concatenate([predict(fed(chunk, metadata))[: len(chunk)] for chunk in chunks])
        copies.append(activate(output, metadata, ()))
    return np.asarray(np.mean(copies, axis=0), dtype=np.float32)


def fed(chunk: FloatArray, metadata: ModelMetadata) -> FloatArray:
    """Return a chunk as the network takes it: grey repeated over its channels, batch filled up."""
    if chunk.shape[1] != len(metadata.channels):
        chunk = np.repeat(chunk, len(metadata.channels), axis=1)
    missing = (metadata.input_shape[0] or 0) - len(chunk)
    if missing > 0:
        chunk = np.concatenate([chunk, np.repeat(chunk[-1:], missing, axis=0)])
    return np.ascontiguousarray(chunk, dtype=np.float32)
