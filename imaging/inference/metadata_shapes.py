"""Check the shapes of metadata.json: batch, channel and sizes, what goes in and what comes out."""

from __future__ import annotations

from typing import Any

from imaging.inference.fields import Fields, show
from imaging.inference.metadata_labels import channel_names


def shapes_of(fields: Fields, kind: str, framework: str) -> dict[str, Any]:
    """Take both shapes, the channel axis and the channels' names."""
    given = fields.items("input_shape")
    if len(given) not in (4, 5) or not _is_shape(given):
        fields.fail(
            "input_shape",
            f"{show(given)} is not batch, channel and two or three sizes (null: any).",
        )
    shape = tuple(given)
    last = len(shape) - 1
    axis = fields.choice("channel_axis", (1, -1, last), -1 if framework == "tensorflow" else 1)
    axis = -1 if axis == last else axis
    output = _output_shape(fields, kind, shape, axis)
    return {
        "input_shape": shape,
        "output_shape": output,
        "channel_axis": axis,
        "channels": channel_names(fields, channel_count(shape, axis)),
    }


def _output_shape(fields: Fields, kind: str, shape: tuple[Any, ...], axis: int) -> tuple[Any, ...]:
    output = fields.items("output_shape")
    if kind == "detection":
        if len(output) != 3 or not all(isinstance(one, list) and _is_shape(one) for one in output):
            fields.fail(
                "output_shape", f"{show(output)} is not three shapes: boxes, scores, labels."
            )
        return tuple(tuple(one) for one in output)
    wanted = len(shape) if kind == "segmentation" else 2
    if len(output) != wanted or not _is_shape(output):
        fields.fail("output_shape", f"{show(output)} does not have {wanted} sizes (null: any).")
    if kind == "segmentation":
        pairs = zip(spatial_size(shape, axis), spatial_size(tuple(output), axis), strict=True)
        if any(a is not None and b is not None and a != b for a, b in pairs):
            fields.fail("output_shape", f"{show(output)} is another grid than {show(list(shape))}.")
    return tuple(output)


def channel_count(shape: tuple[Any, ...], axis: int) -> int | None:
    found = shape[axis]
    return found if isinstance(found, int) else None


def spatial_size(shape: tuple[Any, ...], axis: int) -> tuple[int | None, ...]:
    return shape[2:] if axis == 1 else shape[1:-1]


def _is_shape(values: list[Any]) -> bool:
    return all(
        value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0)
        for value in values
    )
