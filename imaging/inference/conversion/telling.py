"""What a model file says of itself before anybody describes it: format, sizes, number of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from imaging.inference.conversion.pickles import names_in
from imaging.inference.conversion.sorting import (
    AT_THE_COMMAND_LINE,
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
_OUTPUTS_OF_A_DETECTOR = 3
ENDS = {"sigmoid", "softmax"}
_HERE = "imaging.inference.conversion"
_TELLERS = {
    ONNX: f"{_HERE}.telling_onnx",
    KERAS: f"{_HERE}.telling_keras",
    HDF5: f"{_HERE}.telling_keras",
    PICKLE: f"{_HERE}.telling_torch",
    LEGACY_PICKLE: f"{_HERE}.telling_torch",
    SAFETENSORS: f"{_HERE}.telling_torch",
}


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
    """Look into one model file; nothing in it is run. Raises ModelFileError, as converting does.

    A framework wakes only for a file of its own, and torch only for a pickle that was searched.
    """
    refuse_by_name(Path(name), name)
    kind = kind_of(path, name)
    if kind in (TORCHSCRIPT, EXPORTED):
        what = "TorchScript" if kind == TORCHSCRIPT else "an exported program (.pt2), which"
        raise ModelFileError(f"{name}: {what} {AT_THE_COMMAND_LINE}")
    if kind in (PICKLE, LEGACY_PICKLE):
        names_in(path, name)
    found: Told = import_module(_TELLERS[kind]).tell(path, name)
    return found


def shaped(told: Told, entry: Shape, outputs: Sequence[Shape]) -> Told:
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
