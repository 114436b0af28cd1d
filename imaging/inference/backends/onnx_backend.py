"""ONNX Runtime: standard operators, one file, as many threads as torch was given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import onnx
import onnxruntime as ort
import torch
from google.protobuf.message import DecodeError

from imaging.inference.errors import ModelFileError
from imaging.inference.grids import FloatArray
from imaging.inference.metadata import ModelMetadata
from imaging.inference.model_files import titled

ort.disable_telemetry_events()  # nothing of this house is reported anywhere

STANDARD_DOMAINS = {"", "ai.onnx", "ai.onnx.ml"}
MAX_NODES = 50_000
_DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}


class OnnxPredictor:
    """An ONNX Runtime session; on CUDA only where this build of the runtime has it."""

    def __init__(self, session: ort.InferenceSession, metadata: ModelMetadata, device: str) -> None:
        self.device = device if _runs_on_cuda(session) else "cpu"
        self.fallback = (
            "" if self.device == device else "ONNX Runtime has no CUDA on this machine; ran on CPU."
        )
        self._session = session
        self._input = session.get_inputs()[0]
        self._dtype = _DTYPES[self._input.type]
        self._last = metadata.channel_axis == -1

    def predict(self, batch: FloatArray) -> FloatArray:
        output = self.outputs(batch)[0]
        output = np.moveaxis(output, -1, 1) if self._last else output
        return np.ascontiguousarray(output, dtype=np.float32)

    def outputs(self, batch: FloatArray) -> list[FloatArray]:
        values = np.moveaxis(batch, 1, -1) if self._last else batch
        values = np.ascontiguousarray(values, dtype=self._dtype)
        found = self._session.run(None, {self._input.name: values})
        return [np.asarray(one, dtype=np.float32) for one in found]


def load(name: str, data: bytes, metadata: ModelMetadata, device: str) -> OnnxPredictor:
    """Return a predictor from the bytes of model.onnx; they are checked before they are run."""
    owner = f"{titled(metadata)}: file {name}"
    check(owner, data)
    options = ort.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = ort.InferenceSession(data, options, providers=_providers(device))
    except Exception as error:  # onnxruntime raises classes of its own, without a common base
        raise ModelFileError(f"{owner} cannot be run: {_first_line(error)}") from None
    _check_input(owner, session, metadata)
    return OnnxPredictor(session, metadata, device)


def check(owner: str, data: bytes) -> None:
    """Raise ModelFileError for custom operators, functions, external data or a broken graph."""
    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, ValueError) as error:
        raise ModelFileError(f"{owner} is not a readable ONNX file ({error}).") from None
    if model.training_info:
        raise ModelFileError(f"{owner} carries training steps; export it for inference.")
    if model.functions:
        raise ModelFileError(f"{owner} defines functions of its own; export it without them.")
    nodes = 0
    for graph in _graphs(model.graph):
        nodes += len(graph.node)
        if nodes > MAX_NODES:
            raise ModelFileError(f"{owner} has more than {MAX_NODES} nodes.")
        for node in graph.node:
            if node.domain not in STANDARD_DOMAINS:
                raise ModelFileError(
                    f"{owner} uses the custom operator {node.domain}.{node.op_type}; "
                    "only standard operators are run."
                )
        if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in _tensors(graph)):
            raise ModelFileError(f"{owner} keeps its weights in another file. Save as one file.")
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ModelFileError(f"{owner} is not valid ONNX: {_first_line(error)}") from None


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Yield a graph and those inside its nodes (If, Loop, Scan)."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            inner: Iterable[onnx.GraphProto] = [attribute.g, *attribute.graphs]
            for one in inner:
                if one.node or one.initializer:
                    yield from _graphs(one)


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)


def _check_input(owner: str, session: ort.InferenceSession, metadata: ModelMetadata) -> None:
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type not in _DTYPES:
        kinds = ", ".join(f"{item.name} {item.type}" for item in inputs)
        raise ModelFileError(f"{owner} wants the inputs {kinds}; one array of floats is given.")
    have, want = list(inputs[0].shape), list(metadata.input_shape)
    fixed = [(a, b) for a, b in zip(have, want, strict=False) if isinstance(a, int) and b]
    if len(have) != len(want) or any(a != b for a, b in fixed):
        raise ModelFileError(f"{owner} wants the input {have}, metadata.json says {want}.")


def _providers(device: str) -> list[str | tuple[str, dict[str, int]]]:
    if device.startswith("cuda") and "CUDAExecutionProvider" in ort.get_available_providers():
        index = int(device.partition(":")[2] or 0)
        return [("CUDAExecutionProvider", {"device_id": index}), "CPUExecutionProvider"]
    return ["CPUExecutionProvider"]


def _runs_on_cuda(session: ort.InferenceSession) -> bool:
    return "CUDAExecutionProvider" in session.get_providers()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else "unknown reason"
