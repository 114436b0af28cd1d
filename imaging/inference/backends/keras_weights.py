"""Read the arrays of a Keras file and lay them into a rebuilt network; arrays only, no objects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from imaging.inference.backends.keras_graph import NotPlain, Part

MAX_WEIGHT_BYTES = 2 << 30
MAX_DEPTH = 32
Arrays = dict[str, np.ndarray]


def fill_from_keras3(root: Part, group: h5py.Group) -> None:
    """Fill by place: layers/<class name in snake case>[_n]/vars/0…, as model.weights.h5 has it."""
    arrays = _arrays(group)
    _fill_children(root, "", arrays)
    left = [n for n in arrays if not n.startswith("optimizer") and "seed_generator" not in n]
    if left:
        raise NotPlain(f"{len(left)} arrays of the file belong to no layer; first: {left[0]}.")


def fill_from_legacy(root: Part, group: h5py.Group) -> None:
    """Fill by order: the layers that have weights, as an .h5 file lists them."""
    arrays = _arrays(group)
    named = [name for name in _names(group.attrs, "layer_names") if _weights_of(group, name)]
    parts = [part for part in root.parts if _variables(part)]
    if len(named) != len(parts):
        raise NotPlain(f"{len(parts)} layers have weights, the file has {len(named)}.")
    for part, name in zip(parts, named, strict=True):
        found = [arrays[f"{name}/{weight}"] for weight in _weights_of(group, name)]
        _assign(part.name, _variables(part), found)


def _fill_children(part: Part, where: str, arrays: Arrays) -> None:
    seen: dict[str, int] = {}
    for child in part.parts:
        kind = "Functional" if child.class_name == "Model" else child.class_name
        base = snake_case(kind)
        seen[base] = seen.get(base, -1) + 1
        place = f"{where}layers/{base}" + (f"_{seen[base]}" if seen[base] else "")
        if child.parts:
            _fill_children(child, f"{place}/", arrays)
            continue
        count = sum(1 for name in arrays if name.startswith(f"{place}/vars/"))
        found = [arrays.pop(f"{place}/vars/{n}") for n in range(count)]
        _assign(child.name, _variables(child), found)


def snake_case(name: str) -> str:
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _variables(part: Part) -> list[Any]:
    layer = part.layer
    kept = [v for v in layer.variables if "seed_generator" not in v.path]
    trained = [v for v in kept if v.trainable]
    return trained + [v for v in kept if not v.trainable]


def _assign(name: str, variables: list[Any], arrays: list[np.ndarray]) -> None:
    if len(variables) != len(arrays):
        raise NotPlain(f"Layer `{name}`: {len(variables)} arrays wanted, {len(arrays)} found.")
    for variable, array in zip(variables, arrays, strict=True):
        if tuple(variable.shape) != array.shape:
            raise NotPlain(
                f"Layer `{name}`: {list(variable.shape)} wanted, the file has {list(array.shape)}."
            )
        variable.assign(array)


def _arrays(group: h5py.Group) -> Arrays:
    """Return every array by path; links, virtual, external and non-float data are refused."""
    found: Arrays = {}
    total = 0
    for path, dataset in _datasets(group, "", 0):
        if dataset.is_virtual or dataset.external or dataset.dtype.kind not in "fiu":
            raise NotPlain(f"Array {path} is not a plain array of numbers in this file.")
        total += dataset.size * dataset.dtype.itemsize
        if total > MAX_WEIGHT_BYTES:
            raise NotPlain(f"The arrays take more than {MAX_WEIGHT_BYTES} bytes.")
        found[path] = np.asarray(dataset[()])
    return found


def _datasets(group: h5py.Group, where: str, depth: int) -> Iterator[tuple[str, h5py.Dataset]]:
    if depth > MAX_DEPTH:
        raise NotPlain("The file's groups are nested too deep.")
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise NotPlain(f"{where}{name} is a link to another place. Save the model again.")
        item = group[name]
        if isinstance(item, h5py.Group):
            yield from _datasets(item, f"{where}{name}/", depth + 1)
        elif isinstance(item, h5py.Dataset):
            yield f"{where}{name}", item


def _weights_of(group: h5py.Group, layer: str) -> list[str]:
    return _names(group[layer].attrs, "weight_names")


def _names(attributes: h5py.AttributeManager, key: str) -> list[str]:
    """Return a list of names; a long one is split over key0, key1, …"""
    values = attributes.get(key)
    if values is None:
        parts = [k for k in attributes if re.fullmatch(rf"{key}\d+", k)]
        values = [v for k in sorted(parts, key=lambda k: int(k[len(key) :])) for v in attributes[k]]
    return [v.decode() if isinstance(v, bytes) else str(v) for v in values]
