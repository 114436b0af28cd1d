"""PyTorch: a network built by name from the allow-list, its weights loaded strictly."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from pickle import UnpicklingError
from typing import Any

import numpy as np
import safetensors.torch
import torch
from monai.networks import nets
from safetensors import SafetensorError

from imaging.inference.backends.gradcam import gradcam, torch_watched
from imaging.inference.errors import ModelFileError
from imaging.inference.grids import FloatArray
from imaging.inference.metadata import ModelMetadata
from imaging.inference.metadata_recipe import SEQUENTIAL
from imaging.inference.model_files import titled

WRAPPERS = ("state_dict", "model_state_dict", "model", "network", "net", "weights")
_PREFIXES = ("module.", "_orig_mod.")
_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")


class TorchPredictor:
    """A torch module in evaluation mode on one device."""

    fallback = ""

    def __init__(self, module: torch.nn.Module, metadata: ModelMetadata, device: str) -> None:
        self.device = device
        self.module = module.eval().to(device)
        self._owner = titled(metadata)
        self._last = metadata.channel_axis == -1
        if device.startswith("cuda"):
            torch.backends.cudnn.allow_tf32 = False  # the same numbers as on the CPU

    def predict(self, batch: FloatArray) -> FloatArray:
        found = self.outputs(batch)
        if len(found) != 1:
            raise ModelFileError(f"{self._owner} returned several outputs; one is expected.")
        return np.moveaxis(found[0], -1, 1) if self._last else found[0]

    def outputs(self, batch: FloatArray) -> list[FloatArray]:
        with torch.inference_mode():
            found = self.module(self._tensor(batch))
            several = found if isinstance(found, list | tuple) else [found]
            if not all(isinstance(one, torch.Tensor) for one in several):
                raise ModelFileError(f"{self._owner} returned something else than arrays.")
            return [np.asarray(one.float().cpu().numpy(), dtype=np.float32) for one in several]

    def gradcam(self, batch: FloatArray, channels: Sequence[int]) -> list[FloatArray]:
        """Return the Grad-CAM map of each output channel, on the grid of the last convolution."""
        return gradcam(
            self._first, torch_watched(self.module), self._tensor(batch).clone(), channels
        )

    def _first(self, batch: torch.Tensor) -> torch.Tensor:
        found = self.module(batch)
        return found[0] if isinstance(found, list | tuple) else found

    def _tensor(self, batch: FloatArray) -> torch.Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(batch)).to(self.device)
        return tensor.movedim(1, -1) if self._last else tensor


def load(name: str, data: bytes, metadata: ModelMetadata, device: str) -> TorchPredictor:
    """Return a predictor from the bytes of a .safetensors, .pt or .pth; no pickle is executed."""
    if metadata.network is None:
        raise ModelFileError(
            f"{titled(metadata)}: a state dict needs `network` in metadata.json, or send ONNX."
        )
    owner = f"{titled(metadata)}: file {name}"
    state = _safetensors(owner, data) if name.endswith(".safetensors") else _pickled(owner, data)
    module = build(metadata)
    fill(owner, module, state)
    return TorchPredictor(module, metadata, device)


def build(metadata: ModelMetadata) -> torch.nn.Module:
    """Return the untrained network that metadata.json names (its class was checked when read)."""
    plan = dict(metadata.network or {})
    target = str(plan.pop("_target_"))
    if target == SEQUENTIAL:
        return _row_of_layers(metadata, plan["layers"])
    name = target.rpartition(".")[2]
    if name == "EfficientNetBN":
        plan["pretrained"] = False  # its default would download weights
    try:
        module = getattr(nets, name)(**plan)
    except (TypeError, ValueError, KeyError, AssertionError, NotImplementedError) as error:
        raise ModelFileError(
            f"{titled(metadata)}: network {name} cannot be built from these arguments: {error}"
        ) from None
    return module


def _row_of_layers(metadata: ModelMetadata, rows: Sequence[Mapping[str, Any]]) -> torch.nn.Module:
    """Return nn.Sequential of plain layers (their names were checked when read)."""
    layers = []
    for number, row in enumerate(rows):
        settings = {key: value for key, value in row.items() if key != "layer"}
        try:
            layers.append(getattr(torch.nn, row["layer"])(**settings))
        except (TypeError, ValueError, RuntimeError) as error:
            raise ModelFileError(
                f"{titled(metadata)}: network layer {number} ({row['layer']}) cannot be built "
                f"from these arguments: {error}"
            ) from None
    return torch.nn.Sequential(*layers)


def _safetensors(owner: str, data: bytes) -> dict[str, torch.Tensor]:
    try:
        return safetensors.torch.load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ModelFileError(f"{owner} is not a readable safetensors file ({error}).") from None


def _pickled(owner: str, data: bytes) -> dict[str, torch.Tensor]:
    """Read tensors out of a .pt file with torch's restricted reader; nothing in it is run."""
    if _is_torchscript(data):
        raise ModelFileError(
            f"{owner} is TorchScript, which is code. Save model.state_dict() or ONNX."
        )
    try:
        found = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        wanted = _GLOBAL.search(str(error))
        if wanted is None:
            raise ModelFileError(f"{owner} is not a readable PyTorch file.") from None
        raise ModelFileError(
            f"{owner} asks for `{wanted[1]}`, which is not allowed. "
            "Nothing was run. Save model.state_dict() or ONNX."
        ) from None
    return state_dict_of(owner, found)


def _is_torchscript(data: bytes) -> bool:
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return False
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return any(part.split("/")[1:2] == ["code"] for part in archive.namelist())


def state_dict_of(owner: str, found: Any) -> dict[str, torch.Tensor]:
    """Unwrap {"state_dict": …} and strip `module.`; anything but named tensors is refused."""
    for key in WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
            break
    if not isinstance(found, Mapping) or not all(torch.is_tensor(v) for v in found.values()):
        raise ModelFileError(f"{owner} holds no state dict of tensors.")
    for prefix in _PREFIXES:
        if found and all(key.startswith(prefix) for key in found):
            found = {key.removeprefix(prefix): value for key, value in found.items()}
    return dict(found)


def fill(owner: str, module: torch.nn.Module, state: dict[str, torch.Tensor]) -> None:
    wanted = module.state_dict()
    missing, unknown = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    if missing or unknown:
        raise ModelFileError(
            f"{owner}: {len(missing)} tensors missing, {len(unknown)} unknown; "
            f"first: {(missing or unknown)[0]}."
        )
    for key, tensor in state.items():
        if tensor.shape != wanted[key].shape:
            raise ModelFileError(
                f"{owner}: tensor {key} has shape {list(tensor.shape)}, "
                f"the network wants {list(wanted[key].shape)}."
            )
    module.load_state_dict(state, strict=True)
