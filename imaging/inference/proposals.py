"""What a detection network says of one image: boxes with scores, on the image's grid."""

from __future__ import annotations

import numpy as np

from imaging.inference.boxes import FLOOR, Boxes, Found, clipped, fused, suppressed
from imaging.inference.grids import FloatArray
from imaging.inference.members import Watch
from imaging.inference.metadata import ModelMetadata
from imaging.inference.metadata_labels import label_key
from imaging.inference.model_files import titled
from imaging.inference.preprocess import Fit, prepare
from imaging.inference.scoring import fed
from imaging.types import InferenceError, Volume

MOST_BOXES = 300  # of one slice
TOLERANCE = 1e-3


def boxes_of(volume: Volume, metadata: ModelMetadata, predict: Watch, spare: object) -> list[Found]:
    """Return the member's boxes, slice by slice; mirrored copies (`tta`) are fused as equals."""
    prepared = prepare(volume, metadata)
    found: list[Found] = []
    for plane, item in enumerate(prepared.batch):
        copies = {str(number): _of_copy(item[None], axes, plane, prepared.fit, metadata, predict)
                  for number, axes in enumerate(metadata.tta)}  # fmt: skip
        if len(copies) == 1:
            found += copies["0"]
        else:
            joined = fused(copies, dict.fromkeys(copies, 1.0))
            found += [Found(one.label, one.score, one.box, plane) for one in joined]
    return found


def _of_copy(
    item: FloatArray,
    axes: tuple[int, ...],
    plane: int,
    plan: Fit,
    metadata: ModelMetadata,
    predict: Watch,
) -> list[Found]:
    boxes, scores, labels = _read(predict.outputs(fed(np.flip(item, axes), metadata)), metadata)
    boxes = _on_image(_unflipped(boxes, axes, item.shape[2:]), plan)
    boxes, some = clipped(boxes, *plan.size)
    some &= scores >= FLOOR
    names = metadata.labels
    found = []
    for label in np.unique(labels[some]):
        of = np.flatnonzero(some & (labels == label))
        for index in of[suppressed(boxes[of], scores[of])]:
            x0, y0, x1, y1 = (float(value) for value in boxes[index])
            score = float(min(scores[index], 1.0))
            found.append(Found(label_key(names[int(label)]), score, (x0, y0, x1, y1), plane))
    wanted = {label_key(name) for name in metadata.findings}
    found = [one for one in found if one.label in wanted]
    return sorted(found, key=lambda one: -one.score)[:MOST_BOXES]


def _read(
    outputs: list[FloatArray], metadata: ModelMetadata
) -> tuple[Boxes, np.ndarray, np.ndarray]:
    """Return boxes (N, 4), scores (N,) and label indices (N,), checked.

    A leading batch axis of one is taken away. Raises InferenceError for anything else than
    three outputs in this order (INTEROP §1).
    """
    owner = titled(metadata)
    if len(outputs) != 3:
        raise InferenceError(
            f"{owner} returned {len(outputs)} output(s); boxes, scores and labels are expected."
        )
    boxes, scores, labels = (np.asarray(one, dtype=np.float64) for one in outputs)
    boxes = boxes[0] if boxes.ndim == 3 and len(boxes) == 1 else boxes
    scores, labels = (
        one[0] if one.ndim == 2 and len(one) == 1 else one for one in (scores, labels)
    )
    count = len(scores) if scores.ndim == 1 else -1
    if boxes.shape != (count, 4) or labels.shape != (count,):
        shapes = ", ".join(str(list(one.shape)) for one in outputs)
        raise InferenceError(f"{owner} returned {shapes}; [n, 4], [n] and [n] are expected.")
    if not all(np.isfinite(one).all() for one in (boxes, scores, labels)):
        raise InferenceError(f"{owner} returned values that are not numbers.")
    if count and (scores.min() < -TOLERANCE or scores.max() > 1 + TOLERANCE):
        raise InferenceError(
            f"{owner} declares scores from 0 to 1, returned {scores.min():.4g}…{scores.max():.4g}."
        )
    if count and not ((labels == labels.round()) & (labels >= 0)
                      & (labels < len(metadata.labels))).all():  # fmt: skip
        raise InferenceError(
            f"{owner} returned a label that is none of 0 to {len(metadata.labels) - 1}."
        )
    return boxes, scores, labels


def _unflipped(boxes: Boxes, axes: tuple[int, ...], grid: tuple[int, ...]) -> Boxes:
    """Return boxes of a mirrored picture where they lie in the picture itself."""
    x0, y0, x1, y1 = boxes.reshape(-1, 4).T
    height, width = grid
    if -1 in axes:
        x0, x1 = width - x1, width - x0
    if -2 in axes:
        y0, y1 = height - y1, height - y0
    return np.stack([x0, y0, x1, y1], axis=1)


def _on_image(boxes: Boxes, plan: Fit) -> Boxes:
    """Return boxes of the network's grid in pixels of the image: the fit backwards."""
    (top, left), (rows, columns), (height, width) = plan.offset, plan.content, plan.size
    shift = np.array([left, top, left, top], dtype=np.float64)
    scale = np.array([width / columns, height / rows] * 2)
    return (boxes - shift) * scale
