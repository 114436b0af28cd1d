"""Names the starter models beside the lungs: task, network, file, seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import monai.networks.nets
from torch import nn

from training.loop import Task


@dataclass(frozen=True, slots=True)
class Starter:
    """One network to train. `task` and `network` name a class by module."""

    name: str
    title: str
    ensemble: str
    task: str
    delivered_as: str
    network: dict[str, Any]
    seed: int
    epochs: int
    version: str = "1.0.1"


_UNET = {
    "_target_": "monai.networks.nets.UNet",
    "in_channels": 1,
    "num_res_units": 2,
    "norm": "batch",
}
_HALF_GRID = {"_target_": "training.halfgrid.HalfGridUNet"}

STARTERS = {
    starter.name: starter
    for starter in (
        Starter(
            name="mri-hippocampus-unet",
            title="MONAI UNet with residual units, strided",
            ensemble="mri-hippocampus",
            task="training.hippocampus.Hippocampus",
            delivered_as="safetensors",
            network={
                **_UNET,
                "spatial_dims": 3,
                "out_channels": 3,
                "channels": [16, 32, 64, 128],
                "strides": [2, 2, 2],
            },
            seed=41,
            epochs=10,
        ),
        Starter(
            name="mri-hippocampus-halfgrid",
            title="Residual U-Net on half the grid",
            ensemble="mri-hippocampus",
            task="training.hippocampus.Hippocampus",
            delivered_as="onnx",
            network={**_HALF_GRID, "dims": 3, "filters": [16, 32, 64], "outputs": 3},
            seed=42,
            epochs=10,
        ),
        Starter(
            name="mri-brain-tumour-halfgrid",
            title="Residual U-Net on half the grid",
            ensemble="mri-brain-tumour",
            task="training.tumour.TumourMask",
            delivered_as="keras",
            network={**_HALF_GRID, "dims": 2, "filters": [24, 48, 72, 96], "outputs": 1},
            seed=51,
            epochs=7,
            version="1.1.1",
        ),
        Starter(
            name="mri-brain-tumour-deep",
            title="Residual U-Net on half the grid, of five levels",
            ensemble="mri-brain-tumour",
            task="training.tumour.TumourMask",
            delivered_as="onnx",
            network={
                **_HALF_GRID,
                "dims": 2,
                "filters": [32, 64, 96, 128, 160],
                "outputs": 1,
            },
            seed=51,
            epochs=45,
        ),
        Starter(
            name="mri-brain-tumour-lite",
            title="U-Net on EfficientNet-Lite0",
            ensemble="mri-brain-tumour",
            task="training.tumour.TumourFromPhotographs",
            delivered_as="onnx",
            network={
                "_target_": "training.lite.LiteUNet",
                "depth": 13,
                "filters": [80, 64, 48, 32],
            },
            seed=52,
            epochs=25,
        ),
        Starter(
            name="xray-tuberculosis-lungs",
            title="The encoder of the lung network, with a head of its own",
            ensemble="xray-tuberculosis",
            task="training.tuberculosis.FromLungs",
            delivered_as="keras",
            network={
                "_target_": "training.tuberculosis.LungEncoder",
                "filters": [16, 32, 48, 72, 96],
            },
            seed=61,
            epochs=30,
        ),
        Starter(
            name="xray-tuberculosis-resnet",
            title="MONAI ResNet, narrow",
            ensemble="xray-tuberculosis",
            task="training.tuberculosis.Tuberculosis",
            delivered_as="safetensors",
            network={
                "_target_": "monai.networks.nets.ResNet",
                "block": "basic",
                "layers": [1, 1, 1, 1],
                "block_inplanes": [24, 48, 96, 128],
                "spatial_dims": 2,
                "n_input_channels": 1,
                "conv1_t_stride": 2,
                "num_classes": 1,
            },
            seed=62,
            epochs=50,
            version="1.1.1",
        ),
        Starter(
            name="xray-tuberculosis-lite",
            title="EfficientNet-Lite0, cut after eleven blocks",
            ensemble="xray-tuberculosis",
            task="training.tuberculosis.FromPhotographs",
            delivered_as="onnx",
            network={"_target_": "training.lite.LiteClassifier", "looks_at": [7, 10]},
            seed=63,
            epochs=14,
        ),
        Starter(
            name="mri-brain-tumour-centres",
            title="Centre heatmap and distances on the body of the segmentation network",
            ensemble="mri-brain-tumour-detector",
            task="training.boxes.TumourBoxes",
            delivered_as="onnx",
            network={
                "_target_": "training.boxes.CentreBoxes",
                "filters": [32, 64, 96, 128, 160],
            },
            seed=71,
            epochs=12,
            version="1.1.1",
        ),
        Starter(
            name="ct-lungs-halfgrid",
            title="Residual U-Net on half the grid",
            ensemble="ct-lungs",
            task="training.ct_lungs.CtLungs",
            delivered_as="keras",
            network={**_HALF_GRID, "dims": 3, "filters": [12, 24, 48], "outputs": 1},
            seed=81,
            epochs=20,
            version="1.1.1",
        ),
    )
}


def build(network: dict[str, Any]) -> nn.Module:
    """Build a network from its description: a MONAI class or one of this package."""
    arguments = {key: value for key, value in network.items() if key != "_target_"}
    return named(network["_target_"])(**arguments)


def task_of(starter: Starter) -> Task:
    """Give the task that the starter learns."""
    return named(starter.task)()


def named(path: str) -> Callable[..., Any]:
    """Give a class by module and name."""
    module, _, name = path.rpartition(".")
    if module == "monai.networks.nets":
        return getattr(monai.networks.nets, name)
    return getattr(import_module(module), name)
