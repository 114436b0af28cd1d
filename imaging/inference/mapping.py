"""What a segmentation network says of one image: its probability maps, on the image's grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imaging.inference.ensemble import Tally
from imaging.inference.forward import Predict, probabilities
from imaging.inference.grids import FloatArray
from imaging.inference.metadata import ModelMetadata
from imaging.inference.metadata_labels import label_key
from imaging.inference.postprocess import postprocess
from imaging.inference.preprocess import prepare
from imaging.inference.thrift import Thrift
from imaging.types import Volume


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """Where one member sees what.

    finding  p of any finding, float32 (Z, Y, X) on the image's grid.
    labels   the same for each finding label, by label_key.
    organ    p of the reference labels, or None where the model has none.
    spread   SD of the finding over mirrored copies, or None where `tta` has one copy.
    """

    finding: FloatArray
    labels: dict[str, FloatArray]
    organ: FloatArray | None
    spread: FloatArray | None = None


def maps_of(volume: Volume, metadata: ModelMetadata, predict: Predict, thrift: Thrift) -> Maps:
    """Bring the picture to the network's grid and its probabilities back to the image's."""
    prepared = prepare(volume, metadata)
    wanted = [name for name in metadata.reference.get("labels", ()) if name in metadata.labels]
    names = list(dict.fromkeys([*metadata.findings, *wanted]))
    channels = [metadata.channel_labels.index(name) for name in names]
    copies = Tally()
    chosen = [names.index(name) for name in metadata.findings]

    def on_copy(p: FloatArray) -> None:
        copies.add(joined([p[:, channel] for channel in chosen], metadata), 1.0)

    p = probabilities(
        prepared.batch,
        metadata,
        predict,
        thrift=thrift,
        keep=channels,
        on_copy=on_copy if len(metadata.tta) > 1 else None,
    )

    def on_image(name: str, *, finding: bool) -> FloatArray:
        content = prepared.unpadded(p[:, names.index(name)])
        content = postprocess(content, metadata) if finding else content
        found = prepared.to_image_grid(content)
        return np.clip(found, 0, 1, out=found)

    labels = {label_key(name): on_image(name, finding=True) for name in metadata.findings}
    found = joined(list(labels.values()), metadata)
    organ = [on_image(name, finding=False) for name in wanted]
    if organ and metadata.activation == "softmax":
        organ.append(found)  # a pixel of the finding cannot be organ as well, yet lies in it
    sigma = copies.sigma
    spread = None if sigma is None else prepared.to_image_grid(prepared.unpadded(sigma))
    return Maps(found, labels, joined(organ, metadata) if organ else None, spread)


def joined(maps: Sequence[FloatArray], metadata: ModelMetadata) -> FloatArray:
    """Return p of any label: the sum where labels exclude each other, else the maximum."""
    if len(maps) == 1:
        return maps[0]
    if metadata.activation == "softmax":
        return np.clip(np.sum(maps, axis=0, dtype=np.float32), 0, 1)
    return np.asarray(np.max(maps, axis=0))
