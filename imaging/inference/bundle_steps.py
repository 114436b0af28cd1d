"""The steps around a bundle's network, each known by name and read as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from imaging.inference.errors import ModelFileError

# they load, move or save, and change no number
_PLUMBING = {
    "LoadImage", "EnsureChannelFirst", "EnsureType", "ToTensor", "ToDevice", "CastToType",
    "Invert", "SaveImage", "CopyItems", "SelectItems", "DeleteItems", "Identity",
}  # fmt: skip
_LEFT_OUT = {
    "CropForeground": "CropForeground is left out: windows slide over the whole picture.",
    "DivisiblePad": "DivisiblePad is left out: a picture smaller than a window is padded anyway.",
    "SpatialPad": "SpatialPad is left out: a picture smaller than a window is padded anyway.",
}


_PADDINGS = {"constant": "zeros", "replicate": "edge"}  # torch's words and ours


@dataclass(slots=True)
class Steps:
    """What stands before, around and after the network, in metadata.json's words."""

    intensity: list[dict[str, Any]] = field(default_factory=list)
    orientation: str = ""
    spacing: list[float] | None = None
    size: tuple[int, ...] = ()
    tiling: dict[str, Any] | None = None
    activation: str = ""
    threshold: float = 0.5
    postprocess: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def grid(self) -> tuple[int, ...]:
        return tuple(self.tiling["roi_size"]) if self.tiling else self.size

    def to_metadata(self) -> dict[str, Any]:
        found: dict[str, Any] = {"threshold": self.threshold}
        for key in ("intensity", "orientation", "spacing", "tiling", "activation", "postprocess"):
            if value := getattr(self, key):
                found[key] = value
        return found


def read_steps(before: Any, inferer: Any, after: Any, owner: str) -> Steps:
    """Return the steps of a bundle. Raises ModelFileError naming the first that is not known."""
    steps = Steps()
    for name, step in _each(before):
        _before(steps, name, step, owner)
    _inferer(steps, inferer, owner)
    for name, step in _each(after):
        _after(steps, name, step, owner)
    return steps


def _each(composed: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the plain name of each transform that is not switched off."""
    rows = composed.get("transforms", []) if isinstance(composed, Mapping) else composed or []
    for step in rows if isinstance(rows, list) else []:
        if isinstance(step, Mapping) and step.get("_disabled_") is not True:
            name = str(step.get("_target_", "")).rpartition(".")[2]
            yield name.removesuffix("D").removesuffix("d").removesuffix("Dict"), step


def _before(steps: Steps, name: str, step: Mapping[str, Any], owner: str) -> None:
    if name in _PLUMBING:
        return
    if name in _LEFT_OUT:
        steps.notes.append(_LEFT_OUT[name])
    elif name == "Orientation":
        steps.orientation = str(step.get("axcodes", ""))
    elif name == "Spacing":
        steps.spacing = [float(one) for one in _numbers(step, "pixdim", owner)]
    elif name == "Resize":
        steps.size = tuple(int(one) for one in _numbers(step, "spatial_size", owner))
    elif name in _INTENSITY:
        steps.intensity.append(_INTENSITY[name](step, owner))
    else:
        raise _unknown(owner, "preprocessing", name)


def _range(step: Mapping[str, Any], owner: str) -> dict[str, Any]:
    low, high = (_number(step, key, owner) for key in ("a_min", "a_max"))
    to = [_number(step, key, owner, default) for key, default in (("b_min", 0.0), ("b_max", 1.0))]
    return {"op": "scale", "from": [low, high], "to": to, "clip": step.get("clip") is True}


def _percentiles(step: Mapping[str, Any], owner: str) -> dict[str, Any]:
    to = [_number(step, key, owner, default) for key, default in (("b_min", 0.0), ("b_max", 1.0))]
    if to != [0.0, 1.0] or step.get("relative") is True:
        raise _unknown(owner, "preprocessing", "ScaleIntensityRangePercentiles to other than 0–1")
    low, high = (_number(step, key, owner) for key in ("lower", "upper"))
    return {"op": "percentile", "low": low, "high": high}


def _minmax(step: Mapping[str, Any], owner: str) -> dict[str, Any]:
    if (step.get("minv", 0.0), step.get("maxv", 1.0)) != (0.0, 1.0) or step.get("factor"):
        raise _unknown(owner, "preprocessing", "ScaleIntensity to other than 0–1")
    return {"op": "percentile", "low": 0, "high": 100}


def _zscore(step: Mapping[str, Any], owner: str) -> dict[str, Any]:
    mean, std = step.get("subtrahend"), step.get("divisor")
    given = mean is not None and std is not None
    return {
        "op": "zscore",
        "mean": mean if given else "image",
        "std": std if given else "image",
        "nonzero": step.get("nonzero") is True,
    }


_INTENSITY = {
    "ScaleIntensityRange": _range,
    "ScaleIntensityRangePercentiles": _percentiles,
    "ScaleIntensity": _minmax,
    "NormalizeIntensity": _zscore,
}


def _inferer(steps: Steps, plan: Any, owner: str) -> None:
    name = str(plan.get("_target_", "")).rpartition(".")[2] if isinstance(plan, Mapping) else ""
    if name == "SlidingWindowInferer":
        steps.tiling = {
            "roi_size": [int(one) for one in _numbers(plan, "roi_size", owner)],
            "overlap": _number(plan, "overlap", owner, 0.25),
        }
        padding = str(plan.get("padding_mode", "constant"))
        if padding not in _PADDINGS or plan.get("cval", 0) != 0:
            raise _unknown(owner, "padding", f"{padding} {plan.get('cval', 0)}")
        if padding != "constant":
            steps.tiling["padding"] = _PADDINGS[padding]
    elif name not in ("", "SimpleInferer"):
        raise _unknown(owner, "inferer", name)


def _after(steps: Steps, name: str, step: Mapping[str, Any], owner: str) -> None:
    if name == "Activations":
        steps.activation = "softmax" if step.get("softmax") is True else (
            "sigmoid" if step.get("sigmoid") is True else steps.activation
        )  # fmt: skip
    elif name == "AsDiscrete":
        threshold = step.get("threshold")
        if isinstance(threshold, bool) or not isinstance(threshold, (int, float)):
            threshold = 0.5
        steps.threshold = float(threshold)
        if step.get("argmax") is True and not steps.activation:
            steps.activation = "softmax"
    elif name == "KeepLargestConnectedComponent":
        count = step.get("num_components", 1)
        steps.postprocess.append({"op": "largest_components", "count": int(count)})
    elif name == "FillHoles":
        steps.postprocess.append({"op": "fill_holes"})
    elif name not in _PLUMBING:
        raise _unknown(owner, "postprocessing", name)


def _numbers(step: Mapping[str, Any], key: str, owner: str) -> list[Any]:
    value = step.get(key)
    if not isinstance(value, list) or not all(type(one) in (int, float) for one in value):
        raise ModelFileError(f"{owner} needs a developer: {key} is {value!r}, no list of numbers.")
    return value


def _number(step: Mapping[str, Any], key: str, owner: str, default: float | None = None) -> float:
    value = step.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ModelFileError(f"{owner} needs a developer: {key} is {value!r}, no number.")
    return float(value)


def _unknown(owner: str, where: str, what: str) -> ModelFileError:
    return ModelFileError(f"{owner} needs a developer: its {where} step {what} is not known here.")
