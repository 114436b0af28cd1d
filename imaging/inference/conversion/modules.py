"""Networks saved whole by torch.save(model): scanned, then read with torch's restricted reader."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from imaging.inference.backends.torch_backend import WRAPPERS, state_dict_of
from imaging.inference.conversion.class_list import MODULES
from imaging.inference.conversion.pickles import UNREADABLE, names_in
from imaging.inference.errors import ModelFileError

_NUMPY = ("numpy.dtype", "numpy._core.multiarray.scalar", "numpy.core.multiarray.scalar")


def read_pickled(path: Path, owner: str) -> torch.nn.Module | dict[str, torch.Tensor]:
    """Return the network, or the state dict, that a .pt or .pth holds.

    Every opcode and name was looked through before; torch's restricted reader then builds what
    is on the list and nothing else. Raises ModelFileError.
    """
    names = names_in(path, owner)
    try:
        with (
            warnings.catch_warnings(),
            torch.serialization.safe_globals(_objects(names, owner)),
            path.open("rb") as file,  # by its path torch would read what is named .safetensors so
        ):
            warnings.simplefilter("ignore")
            found = torch.load(file, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, OSError, *_BROKEN):
        raise ModelFileError(f"{owner} {UNREADABLE}") from None
    module = _module_of(found)
    return state_dict_of(owner, found) if module is None else _whole(module, owner)


_BROKEN = (AttributeError, ValueError, KeyError, TypeError, IndexError, AssertionError)


def _objects(names: Iterable[str], owner: str) -> list[Callable[..., Any] | tuple[Any, str]]:
    """Return the classes behind the allowed names, so that the reader may build them."""
    found: list[Callable[..., Any] | tuple[Any, str]] = []
    for name in names:
        if name not in MODULES and name not in _NUMPY:
            continue  # torch knows its own tensors and storages
        place, _, last = name.rpartition(".")
        try:
            found.append((getattr(import_module(place), last), name))
        except (ImportError, AttributeError):
            raise ModelFileError(
                f"{owner} asks for `{name}`, which this version does not have. "
                "Save model.state_dict() or ONNX."
            ) from None
    return found


def _module_of(found: Any) -> torch.nn.Module | None:
    if isinstance(found, torch.nn.Module):
        return found
    if isinstance(found, Mapping):
        inner = (found.get(key) for key in WRAPPERS)
        return next((one for one in inner if isinstance(one, torch.nn.Module)), None)
    return None


def _whole(module: torch.nn.Module, owner: str) -> torch.nn.Module:
    """Return the network in evaluation mode, out of DataParallel; broken ones are refused."""
    try:
        if isinstance(module, torch.nn.DataParallel):
            module = module.module
        module = module.eval().float()
        module.state_dict()
    except (*_BROKEN, RuntimeError):
        raise ModelFileError(f"{owner} holds a network that is not whole. Save it again.") from None
    return module
