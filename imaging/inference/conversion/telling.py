"""What a model file says of itself before anybody describes it: format, sizes, number of labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import onnx
import torch
from safetensors import SafetensorError, safe_open

from imaging.inference.backends import keras_backend, onnx_backend
from imaging.inference.conversion.modules import read_pickled
from imaging.inference.conversion.sorting import (
    EXPORTED,
    HDF5,
    KERAS,
    LEGACY_PICKLE,
    ONNX,
    PICKLE,
    SAFETENSORS,
    TORCHSCRIPT,
    kind_of,
    refuse_by_name,
)
from imaging.inference.errors import ModelFileError

Shape = list[int | None]
CHANNELS = (1, 3)
AT_THE_COMMAND_LINE = (
    "is code, so it is converted at the command line only: manage.py import_model PATH. "
    "Or save model.state_dict() or ONNX."
)
_OUTPUTS_OF_A_DETECTOR = 3
_ENDS = {"sigmoid", "softmax"}


@dataclass(frozen=True, slots=True)
class Told:
    """What the file tells; None or "" where it says nothing.

    size       height and width, or three numbers: None where the network takes any.
    labels     how many outputs the network has, each of which is a label.
    ends_in    sigmoid or softmax, where its last layer is one: it returns probabilities.
    is_last    channels stand last, as TensorFlow writes them.
    needs_network   only numbers came: the network that they belong to has to be named.
    """

    kind: str
    framework: str
    task: str = ""
    channels: int | None = None
    dims: int | None = None
    size: tuple[int, ...] | None = None
    is_any_size: bool = False
    labels: int | None = None
    ends_in: str = ""
    is_last: bool = False
    needs_network: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"size": list(self.size) if self.size else None}


def tell(path: Path, name: str) -> Told:
    """Look into one model file; nothing in it is run. Raises ModelFileError, as converting does."""
    refuse_by_name(Path(name), name)
    kind = kind_of(path, name)
    if kind in (TORCHSCRIPT, EXPORTED):
        what = "TorchScript" if kind == TORCHSCRIPT else "an exported program (.pt2), which"
        raise ModelFileError(f"{name}: {what} {AT_THE_COMMAND_LINE}")
    return _TELLERS[kind](path, name)


def _onnx(path: Path, name: str) -> Told:
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
    told = Told("onnx", "onnx", ends_in=ends if ends in _ENDS else "")
    return _shaped(told, _dims(inputs[0]), outputs)


def _dims(value: onnx.ValueInfoProto) -> Shape:
    dims = value.type.tensor_type.shape.dim
    return [one.dim_value if one.HasField("dim_value") and one.dim_value > 0 else None
            for one in dims]  # fmt: skip


def _keras(path: Path, name: str) -> Told:
    model = keras_backend.read(name, path.read_bytes()).layer
    several = model.outputs
    kind = getattr(getattr(model.layers[-1], "activation", None), "__name__", "")
    kind = kind or type(model.layers[-1]).__name__.lower()
    told = Told("keras", "tensorflow", is_last=True, ends_in=kind if kind in _ENDS else "")
    return _shaped(told, list(model.inputs[0].shape), [list(one.shape) for one in several])


def _pickled(path: Path, name: str) -> Told:
    found = read_pickled(path, name)
    if isinstance(found, torch.nn.Module):
        return _module(found)
    return _tensors({key: list(tensor.shape) for key, tensor in found.items()})


def _safetensors(path: Path, name: str) -> Told:
    try:
        with safe_open(path, framework="pt") as file:
            shapes = {key: list(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelFileError(f"{name} is not a readable safetensors file ({error}).") from None
    told = _tensors({key: shapes[key] for key in sorted(shapes, key=_natural)})
    if {2} < {min(len(one), 4) for one in shapes.values() if len(one) in (2, 4, 5)}:
        return replace(told, labels=None, task="")  # the order is lost: which one answers is open
    return told


def _natural(key: str) -> list[tuple[int, str]]:
    """Sort 2.weight before 10.weight."""
    return [(int(one), "") if one.isdecimal() else (-1, one) for one in key.split(".")]


_TELLERS: dict[str, Callable[[Path, str], Told]] = {
    ONNX: _onnx,
    KERAS: _keras,
    HDF5: _keras,
    PICKLE: _pickled,
    LEGACY_PICKLE: _pickled,
    SAFETENSORS: _safetensors,
}


def _module(module: torch.nn.Module) -> Told:
    """A network saved whole: its first convolution reads the image, its last layer answers."""
    layers = [one for one in module.modules() if not list(one.children())]
    told = _tensors({key: list(tensor.shape) for key, tensor in module.state_dict().items()})
    last = next((one for one in reversed(layers) if list(one.parameters(recurse=False))), None)
    count = getattr(last, "out_channels", None) or getattr(last, "out_features", None)
    end = type(layers[-1]).__name__.lower() if layers else ""
    return replace(
        told, kind="module", needs_network=False, ends_in=end if end in _ENDS else "",
        labels=count if isinstance(count, int) else told.labels,
    )  # fmt: skip


def _tensors(shapes: Mapping[str, Sequence[int]]) -> Told:
    """Only numbers: the first kernel says what is read, the last one what is answered."""
    kernels = [one for one in shapes.values() if len(one) in (4, 5)]
    wide = [(key, one) for key, one in shapes.items() if len(one) in (2, 4, 5)]
    told = Told("tensors", "pytorch", needs_network=True)
    if not kernels:
        return told
    key, last = wide[-1]
    bias = shapes.get(f"{key.removesuffix('weight')}bias") or last
    read = int(kernels[0][1])
    return replace(
        told, dims=len(kernels[0]) - 2, channels=read if read in CHANNELS else None,
        labels=int(bias[0]), task="classification" if len(last) == 2 else "segmentation",
    )  # fmt: skip


def _shaped(told: Told, entry: Shape, outputs: Sequence[Shape]) -> Told:
    """Add what the shapes of input and outputs say; their axes are told apart by the channels."""
    if len(entry) not in (4, 5):
        return told
    is_last = told.is_last or (entry[1] not in CHANNELS and entry[-1] in CHANNELS)
    grid, channels = (entry[1:-1], entry[-1]) if is_last else (entry[2:], entry[1])
    size = tuple(one for one in grid if one)
    told = replace(
        told, is_last=is_last, dims=len(grid), channels=channels if channels in CHANNELS else None,
        size=size if len(size) == len(grid) else None, is_any_size=not size,
    )  # fmt: skip
    if len(outputs) == _OUTPUTS_OF_A_DETECTOR:
        return replace(told, task="detection")
    first = outputs[0] if outputs else []
    task = {len(entry): "segmentation", 2: "classification"}.get(len(first), "")
    return replace(told, task=task, labels=first[-1 if is_last or len(first) == 2 else 1]
                   if task else None)  # fmt: skip
