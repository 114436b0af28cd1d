"""What an ONNX file tells: the shapes of its graph and its last operator."""

from __future__ import annotations

from pathlib import Path

import onnx

from imaging.inference.backends import onnx_backend
from imaging.inference.conversion.telling import ENDS, Shape, Told, shaped
from imaging.inference.errors import ModelFileError


def tell(path: Path, name: str) -> Told:
    data = path.read_bytes()
    onnx_backend.check(name, data)
    graph = onnx.load_model_from_string(data).graph
    held = {one.name for one in graph.initializer}
    inputs = [one for one in graph.input if one.name not in held]
    if len(inputs) != 1:
        raise ModelFileError(f"{name} wants {len(inputs)} inputs; one image is given.")
    outputs = [_dims(one) for one in graph.output]
    last = {name: node.op_type.lower() for node in graph.node for name in node.output}
    ends = last.get(graph.output[0].name, "") if graph.output else ""
    told = Told("onnx", "onnx", ends_in=ends if ends in ENDS else "")
    return shaped(told, _dims(inputs[0]), outputs)


def _dims(value: onnx.ValueInfoProto) -> Shape:
    dims = value.type.tensor_type.shape.dim
    return [one.dim_value if one.HasField("dim_value") and one.dim_value > 0 else None
            for one in dims]  # fmt: skip
