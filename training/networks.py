"""Names the three members of the lung ensemble: network, input, seed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import monai.networks.nets
import torch
from torch import nn


@dataclass(frozen=True, slots=True)
class Member:
    """One network to train and the file format it is delivered in.

    `network` is a MONAI class by name with literal arguments, or `ResidualUNet` of this module.
    """

    name: str
    title: str
    delivered_as: str
    network: dict[str, Any]
    percentiles: tuple[float, float]
    seed: int
    size: int = 256
    learning_rate: float = 2e-3


MEMBERS = {
    "unet": Member(
        name="xray-lungs-unet",
        title="MONAI BasicUNet, five levels",
        delivered_as="safetensors",
        network={
            "_target_": "monai.networks.nets.BasicUNet",
            "spatial_dims": 2,
            "in_channels": 1,
            "out_channels": 1,
            "features": [16, 16, 48, 96, 160, 16],
            "act": "relu",
            "norm": "batch",
        },
        percentiles=(1, 99),
        seed=11,
    ),
    "segresnet": Member(
        name="xray-lungs-segresnet",
        title="MONAI SegResNet, five levels, additive skips",
        delivered_as="onnx",
        network={
            "_target_": "monai.networks.nets.SegResNet",
            "spatial_dims": 2,
            "init_filters": 10,
            "in_channels": 1,
            "out_channels": 1,
            "norm": "batch",
            "blocks_down": [1, 2, 2, 2, 2],
            "blocks_up": [1, 1, 1, 1],
        },
        percentiles=(0.5, 99.5),
        seed=22,
    ),
    "resunet": Member(
        name="xray-lungs-resunet",
        title="Residual U-Net, five levels, dilated bottom",
        delivered_as="keras",
        network={"_target_": "training.networks.ResidualUNet", "filters": [16, 32, 48, 72, 96]},
        percentiles=(2, 98),
        seed=33,
    ),
}


def build_network(network: dict[str, Any]) -> nn.Module:
    """Build a network from its description: (B, 1, Y, X) → logits (B, 1, Y, X)."""
    arguments = {key: value for key, value in network.items() if key != "_target_"}
    module, _, name = network["_target_"].rpartition(".")
    classes = vars(monai.networks.nets) if module == "monai.networks.nets" else globals()
    return classes[name](**arguments)


class ConvNormAct(nn.Sequential):
    """A 3×3 convolution, batch normalisation and ReLU."""

    def __init__(self, inputs: int, outputs: int, dilation: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class ResidualBlock(nn.Module):
    """Two convolutions beside a 1×1 shortcut; `dilation` widens the second."""

    def __init__(self, inputs: int, outputs: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = ConvNormAct(inputs, outputs)
        self.second = ConvNormAct(outputs, outputs, dilation)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x)) + self.shortcut(x)


class ResidualUNet(nn.Module):
    """A U-Net of residual blocks made only of layers that Keras has too (see export.py)."""

    def __init__(self, filters: list[int]) -> None:
        super().__init__()
        steps = list(pairwise(filters))
        self.down = nn.ModuleList([ResidualBlock(1, filters[0])])
        self.down.extend(ResidualBlock(narrow, wide) for narrow, wide in steps)
        self.bottom = ResidualBlock(filters[-1], filters[-1], dilation=2)
        self.lift = nn.ModuleList(
            nn.ConvTranspose2d(wide, narrow, 2, stride=2) for narrow, wide in reversed(steps)
        )
        self.up = nn.ModuleList(ResidualBlock(2 * narrow, narrow) for narrow, _ in reversed(steps))
        self.head = nn.Conv2d(filters[0], 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else nn.functional.max_pool2d(x, 2))
            skips.append(x)
        x = self.bottom(skips.pop())
        for lift, block in zip(self.lift, self.up, strict=True):
            x = block(torch.cat([skips.pop(), lift(x)], dim=1))
        return self.head(x)
