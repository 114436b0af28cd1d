"""A torch network → one ONNX file: by tracing, since the newer exporter refuses TorchScript."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from imaging.inference.errors import ModelFileError
from imaging.inference.metadata import ModelMetadata
from imaging.inference.metadata_shapes import spatial_size
from imaging.inference.model_files import titled

OPSET = 17
INPUT, OUTPUT = "image", "output"


def module_to_onnx(
    module: torch.nn.Module, metadata: ModelMetadata, grid: tuple[int, ...]
) -> bytes:
    """Return the network as ONNX, free in its batch and wherever input_shape says null.

    Raises ModelFileError.
    """
    example = torch.rand(
        (1, len(metadata.channels), *grid), generator=torch.Generator().manual_seed(3)
    )
    fixed = spatial_size(metadata.input_shape, metadata.channel_axis)
    free: dict[int, str] = {0: "n"} if metadata.input_shape[0] is None else {}
    free |= {axis: f"s{axis}" for axis, size in enumerate(fixed, start=2) if size is None}
    outputs: dict[int, str] = free
    if metadata.type != "segmentation":
        outputs = {axis: name for axis, name in free.items() if axis == 0}
    axes: dict[str, Mapping[int, str]] = {INPUT: free, OUTPUT: outputs}
    buffer = io.BytesIO()
    try:
        with torch.no_grad(), _quiet():
            torch.onnx.export(
                module,
                (example,),
                buffer,  # type: ignore[arg-type]  # the older exporter writes to files as well
                dynamo=False,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_axes=axes,
            )
    except Exception as error:  # the tracer passes on whatever the network raises
        raise _cannot(metadata, error) from None
    return buffer.getvalue()


def program_to_onnx(program: Any, metadata: ModelMetadata) -> bytes:
    """Return an exported program (.pt2) as ONNX. Raises ModelFileError."""
    try:
        with torch.no_grad(), _quiet():
            made = torch.onnx.export(program, dynamo=True, external_data=False, verbose=False)
        assert made is not None  # nothing is returned only where a file was named
        return bytes(made.model_proto.SerializeToString())
    except Exception as error:  # likewise
        raise _cannot(metadata, error) from None


def _cannot(metadata: ModelMetadata, error: Exception) -> ModelFileError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return ModelFileError(
        f"{titled(metadata)} cannot be exported to ONNX: {reason} "
        "Give `network` in metadata.json, or send ONNX."
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's advice to programmers out of the log."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
