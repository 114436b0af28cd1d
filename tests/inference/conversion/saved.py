"""Models as people save them, each a few kilobytes, and the folder they are sent in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from monai.networks.nets import UNet
from torch import nn

from tests.inference.factories import TINY_UNET, gain_keras, identity_onnx, metadata_json

ROW = {
    "_target_": "torch.nn.Sequential",
    "layers": [
        {"layer": "Conv2d", "in_channels": 1, "out_channels": 2, "kernel_size": 3, "padding": 1},
        {"layer": "ReLU"},
        {"layer": "Conv2d", "in_channels": 2, "out_channels": 1, "kernel_size": 1},
    ],
}


def unet() -> nn.Module:
    torch.manual_seed(1)
    return UNet(**{key: value for key, value in TINY_UNET.items() if key != "_target_"}).eval()


def row() -> nn.Module:
    torch.manual_seed(2)
    return nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Conv2d(2, 1, 1)).eval()


def folder(root: Path, file: str, write: Callable[[Path], object], **changes) -> Path:
    """Return root/mine with metadata.json and what `write` put into `file`."""
    place = root / "mine"
    place.mkdir(parents=True, exist_ok=True)
    settings = {"framework": "pytorch", "activation": "sigmoid", **changes}
    record = metadata_json(**{"name": "mine", **settings})
    (place / "metadata.json").write_text(json.dumps(record))
    write(place / file)
    return place


def traced(module: nn.Module) -> Callable[[Path], object]:
    return lambda path: torch.jit.save(torch.jit.trace(module, torch.rand(1, 1, 16, 16)), path)


def exported(module: nn.Module) -> Callable[[Path], object]:
    program = torch.export.export(module, (torch.rand(1, 1, 16, 16),))
    return lambda path: torch.export.save(program, path)


def keras_file(path: Path) -> Path:
    return gain_keras(path, 0.5)


def onnx_file(path: Path) -> int:
    return path.write_bytes(identity_onnx())
