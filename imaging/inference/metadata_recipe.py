"""Check the keys of metadata.json that say how a picture meets the network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imaging.inference.fields import Fields, is_number, show

NETS = "monai.networks.nets."
NETWORKS = re.compile(
    re.escape(NETS)
    + r"(UNet|BasicUNet|DynUNet|SegResNet|AttentionUnet|VNet|UNETR|SwinUNETR"
    + r"|DenseNet(121|169|201|264)?|ResNet|resnet(10|18|34|50|101|152|200)|EfficientNetBN)"
)
SEQUENTIAL = "torch.nn.Sequential"
_LAYERS = """
Conv1d Conv2d Conv3d ConvTranspose2d ConvTranspose3d Linear Identity Flatten Unflatten
BatchNorm1d BatchNorm2d BatchNorm3d InstanceNorm2d InstanceNorm3d GroupNorm LayerNorm
ReLU ReLU6 LeakyReLU PReLU ELU GELU SiLU Mish Sigmoid Tanh Softplus Hardswish
MaxPool2d MaxPool3d AvgPool2d AvgPool3d AdaptiveAvgPool2d AdaptiveAvgPool3d
AdaptiveMaxPool2d AdaptiveMaxPool3d Upsample PixelShuffle
Dropout Dropout2d Dropout3d ZeroPad2d ConstantPad2d ConstantPad3d ReflectionPad2d
"""
LAYERS = frozenset(_LAYERS.split())
MOST_LAYERS = 500
PADDINGS = ("zeros", "edge")
FLIPS = {"identity": (), "flip_x": (-1,), "flip_y": (-2,), "flip_z": (-3,), "flip_xy": (-2, -1)}


@dataclass(frozen=True, slots=True)
class Tiling:
    """Sliding window: roi_size in the network's axis order, overlap as a share, tiles a batch.

    padding   what fills a window that is larger than the picture: zeros, or edge, its outermost
              values going on, for a network that never saw the air beyond an image's end.
    """

    roi_size: tuple[int, ...]
    overlap: float = 0.25
    batch: int = 1
    padding: str = "zeros"


def intensity_steps(fields: Fields, channels: int) -> tuple[dict[str, Any], ...]:
    """Take `intensity`: a list of operations with their numbers."""
    steps = []
    for index, item in enumerate(fields.items("intensity", [])):
        inner = Fields(fields.owner, item, f"intensity[{index}]")
        op = inner.choice("op", ("scale", "window", "percentile", "zscore"))
        steps.append({"op": op, **_INTENSITY[op](inner, channels)})
        inner.done()
    return tuple(steps)


def _scale(inner: Fields, channels: int) -> dict[str, Any]:
    low, high = inner.numbers("from", counts=(2,))
    if low == high:
        inner.fail("from", f"{show([low, high])} has no width.")
    to = inner.numbers("to", (0.0, 1.0), counts=(2,))
    return {"from": (low, high), "to": to, "clip": inner.flag("clip", False)}


def _window(inner: Fields, channels: int) -> dict[str, Any]:
    return {"center": inner.number("center"), "width": inner.number("width", low=1e-6)}


def _percentile(inner: Fields, channels: int) -> dict[str, Any]:
    low, high = inner.number("low", low=0, high=100), inner.number("high", low=0, high=100)
    if low >= high:
        inner.fail("low", f"{low} is not below high, {high}.")
    return {"low": low, "high": high}


def _zscore(inner: Fields, channels: int) -> dict[str, Any]:
    def good(value: Any) -> bool:
        values = value if isinstance(value, list) and len(value) == channels else [value]
        return value == "image" or all(is_number(v, float("-inf"), float("inf")) for v in values)

    wants = f"a number, a list of {channels} numbers, or “image”"
    mean, std = (inner.checked(key, good, wants, "image") for key in ("mean", "std"))
    if (mean == "image") != (std == "image"):
        inner.fail("std", f"mean is {show(mean)} and std {show(std)}; “image” goes for both.")
    if std != "image" and any(value <= 0 for value in (std if isinstance(std, list) else [std])):
        inner.fail("std", f"{show(std)} is not above zero.")
    return {"mean": mean, "std": std, "nonzero": inner.flag("nonzero", False)}


_INTENSITY = {"scale": _scale, "window": _window, "percentile": _percentile, "zscore": _zscore}


def tiling_plan(fields: Fields, dims: int) -> Tiling | None:
    """Take `tiling`, or None."""
    if not fields.has("tiling"):
        return None
    inner = fields.inner("tiling")
    plan = Tiling(
        roi_size=inner.numbers("roi_size", counts=(dims,), low=1, high=4096, whole=True),
        overlap=float(inner.number("overlap", 0.25, low=0, high=0.9)),
        batch=inner.number("batch", 1, low=1, high=64, whole=True),
        padding=inner.choice("padding", PADDINGS, "zeros"),
    )
    inner.done()
    return plan


def tta_flips(fields: Fields, dims: int) -> tuple[tuple[int, ...], ...]:
    """Take `tta`: the mirrored copies that are averaged, as axes to flip."""
    names = fields.texts("tta", ("identity",))
    for name in names:
        if name not in FLIPS or any(axis < -dims for axis in FLIPS[name]):
            fields.fail("tta", f"{show(name)} is not one of {', '.join(FLIPS)} for {dims} axes.")
    return tuple(FLIPS[name] for name in names)


def network_plan(fields: Fields) -> dict[str, Any] | None:
    """Take `network`: an allowed class and literal arguments, no expression.

    Or a row of plain torch layers: {"_target_": "torch.nn.Sequential", "layers":
    [{"layer": "Conv2d", "in_channels": 1, …}, …]}, whose weights are named 0.weight, 2.weight …
    """
    if not fields.has("network"):
        return None
    plan = fields.checked("network", lambda v: isinstance(v, dict), "an object", None)
    target = plan.get("_target_")
    if target == SEQUENTIAL:
        return _layers_checked(fields, plan)
    if not isinstance(target, str) or not NETWORKS.fullmatch(target):
        fields.fail("network", f"_target_ {show(target)} is not on the list of allowed networks.")
    _only_literals(fields, {key: value for key, value in plan.items() if key != "_target_"})
    if plan.get("pretrained"):
        fields.fail("network", "pretrained must be false: nothing is downloaded.")
    return plan


def _layers_checked(fields: Fields, plan: dict[str, Any]) -> dict[str, Any]:
    rows = plan.get("layers")
    if set(plan) != {"_target_", "layers"} or not isinstance(rows, list) or not rows:
        fields.fail("network", f"{SEQUENTIAL} needs `layers`, a list, and nothing else.")
    if len(rows) > MOST_LAYERS:
        fields.fail("network", f"{len(rows)} layers; {MOST_LAYERS} allowed.")
    for row in rows:
        kind = row.get("layer") if isinstance(row, Mapping) else row
        if not isinstance(kind, str) or kind not in LAYERS:
            fields.fail("network", f"layer {show(kind)} is not on the list of plain torch layers.")
    _only_literals(fields, {"layers": rows})
    return plan


def _only_literals(fields: Fields, value: Any) -> None:
    if isinstance(value, str) and ("$" in value or "@" in value):
        fields.fail("network", f"{show(value)} is an expression; only plain values are taken.")
    if isinstance(value, Mapping):
        if "_target_" in value:
            fields.fail("network", "a nested _target_ is not taken.")
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        for item in value:
            _only_literals(fields, item)


def postprocess_steps(fields: Fields) -> tuple[dict[str, Any], ...]:
    """Take `postprocess`: what is done to a probability map on the network grid."""
    steps: list[dict[str, Any]] = []
    for index, item in enumerate(fields.items("postprocess", [])):
        inner = Fields(fields.owner, item, f"postprocess[{index}]")
        step = {"op": inner.choice("op", ("largest_components", "fill_holes"))}
        if step["op"] == "largest_components":
            step["count"] = inner.number("count", low=1, high=1000, whole=True)
        inner.done()
        steps.append(step)
    return tuple(steps)
