"""What PyTorch's files tell: of a network saved whole its layers, of numbers alone their shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from imaging.inference.conversion.modules import read_pickled
from imaging.inference.conversion.sorting import SAFETENSORS, kind_of
from imaging.inference.conversion.telling import CHANNELS, ENDS, Told
from imaging.inference.errors import ModelFileError


def tell(path: Path, name: str) -> Told:
    if kind_of(path, name) == SAFETENSORS:
        return _safetensors(path, name)
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
    if len(_rows(shapes)) > 1 and told.dims:
        return replace(told, labels=None, task="")  # the order is lost: which one answers is open
    return told


def _natural(key: str) -> list[tuple[int, str]]:
    """Sort 2.weight before 10.weight."""
    return [(int(one), "") if one.isdecimal() else (-1, one) for one in key.split(".")]


def _module(module: torch.nn.Module) -> Told:
    """A network saved whole: its first convolution reads the image, its last layer answers."""
    layers = [one for one in module.modules() if not list(one.children())]
    told = _tensors({key: list(tensor.shape) for key, tensor in module.state_dict().items()})
    last = next((one for one in reversed(layers) if list(one.parameters(recurse=False))), None)
    count = getattr(last, "out_channels", None) or getattr(last, "out_features", None)
    end = type(layers[-1]).__name__.lower() if layers else ""
    return replace(
        told, kind="module", needs_network=False, ends_in=end if end in ENDS else "",
        labels=count if isinstance(count, int) else told.labels,
    )  # fmt: skip


def _tensors(shapes: Mapping[str, Sequence[int]]) -> Told:
    """Only numbers: the first kernel says what is read, the last one what is answered.

    A single matrix beside kernels answers, wherever it stands: a dictionary that went through
    other hands has lost the network's order.
    """
    kernels = [one for one in shapes.values() if len(one) in (4, 5)]
    wide = [(key, one) for key, one in shapes.items() if len(one) in (2, 4, 5)]
    rows = _rows(shapes)
    wide = rows if len(rows) == 1 else wide
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


def _rows(shapes: Mapping[str, Sequence[int]]) -> list[tuple[str, Sequence[int]]]:
    return [(key, one) for key, one in shapes.items() if len(one) == 2]
