"""A small residual U-Net that works at half the grid and answers at the whole, flat or in space."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import nn


def _layers(dims: int) -> tuple[Any, Any, Any, Any]:
    if dims == 2:
        return nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.MaxPool2d
    return nn.Conv3d, nn.ConvTranspose3d, nn.BatchNorm3d, nn.MaxPool3d


class Block(nn.Module):
    """Two convolutions of width three with batch normalisation, beside a shortcut."""

    def __init__(self, dims: int, inputs: int, outputs: int) -> None:
        super().__init__()
        conv, _, norm, _ = _layers(dims)
        self.first = conv(inputs, outputs, 3, padding=1, bias=False)
        self.first_norm = norm(outputs)
        self.second = conv(outputs, outputs, 3, padding=1, bias=False)
        self.second_norm = norm(outputs)
        self.shortcut = conv(inputs, outputs, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(y)) + self.shortcut(x))


class HalfGridBody(nn.Module):
    """Stem of stride two and a U of residual blocks: (B, 1, *grid) → (B, filters[0], *grid / 2)."""

    def __init__(self, dims: int, filters: list[int]) -> None:
        super().__init__()
        conv, lift, _, pool = _layers(dims)
        steps = list(pairwise(filters))
        self.stem = conv(1, filters[0], 4, stride=2, padding=1)
        self.pool = pool(2)
        self.down = nn.ModuleList([Block(dims, filters[0], filters[0])])
        self.down.extend(Block(dims, narrow, wide) for narrow, wide in steps)
        self.lift = nn.ModuleList(lift(wide, narrow, 2, stride=2) for narrow, wide in steps[::-1])
        self.up = nn.ModuleList(Block(dims, 2 * narrow, narrow) for narrow, _ in steps[::-1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x, skips = torch.relu(self.stem(x)), []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else self.pool(x))
            skips.append(x)
        x = skips.pop()
        for lift, block in zip(self.lift, self.up, strict=True):
            x = block(torch.cat([skips.pop(), lift(x)], dim=1))
        return x


class HalfGridUNet(nn.Module):
    """The body and a transposed convolution: logits on the whole grid, a channel per output.

    The sides of the grid must be divisible by 2 to the number of filters.
    """

    def __init__(self, dims: int, filters: list[int], outputs: int) -> None:
        super().__init__()
        self.body = HalfGridBody(dims, filters)
        self.head = _layers(dims)[1](filters[0], outputs, 4, stride=2, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))
