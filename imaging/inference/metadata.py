"""Read the metadata.json of a model folder: the model as data, no weight is touched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imaging.inference.errors import MetadataError, ModelFileError
from imaging.inference.fields import Fields, read_object, show
from imaging.inference.golden import GoldenCase, golden_case
from imaging.inference.metadata_card import card_missing, card_of, severity_rule, sha256_table
from imaging.inference.metadata_gate import GatePlan, gate_plan
from imaging.inference.metadata_labels import (
    finding_labels,
    label_names,
    reference_plan,
)
from imaging.inference.metadata_recipe import (
    Tiling,
    intensity_steps,
    network_plan,
    postprocess_steps,
    tiling_plan,
    tta_flips,
)
from imaging.inference.metadata_shapes import channel_count, shapes_of, spatial_size
from imaging.inference.model_files import model_file, verify_files

__all__ = [
    "MetadataError",
    "ModelFileError",
    "ModelMetadata",
    "card_missing",
    "model_file",
    "read_metadata",
    "verify_files",
]

METADATA_FILE = "metadata.json"
TYPES = ("classification", "segmentation", "detection")
FRAMEWORKS = ("pytorch", "tensorflow", "onnx")
MODALITIES = ("xray", "mri", "ct")
ACTIVATIONS = ("sigmoid", "softmax", "none")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?"
)


_PATIENT_AXIS = {"L": "x", "R": "x", "P": "y", "A": "y", "S": "z", "I": "z"}


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """What a model folder promises. Shapes hold batch and channel; None means any size.

    labels         names by channel; one channel may carry ("background", X) and means X.
    findings       the labels that count as finding.
    channel_axis   1 (NCHW) or -1 (NHWC), of input and output.
    target_size    spatial size of the network grid, in the network's axis order.
    orientation    one letter per network axis ("RAS"), "" for the stored order (Z, Y, X).
    spacing        millimetres per network axis, or None.
    min_size       smallest lesion in pixels, or below 1 as a share of the image; None: the default.
    gate_plan      which pictures it may be shown.
    min_p          of classes that exclude each other: below it the largest is "uncertain".
    golden         a picture in the folder with the answer that the model must give, or None.
    raw            metadata.json as it was read.
    """

    name: str
    type: str
    framework: str
    version: str
    input_shape: tuple[int | None, ...]
    output_shape: tuple[Any, ...]
    modality: tuple[str, ...]
    labels: tuple[str, ...]
    findings: tuple[str, ...]
    normalize: bool
    target_size: tuple[int, ...]
    channels: tuple[str, ...]
    channel_axis: int
    activation: str
    temperature: float
    network: Mapping[str, Any] | None
    intensity: tuple[Mapping[str, Any], ...]
    resize: str
    orientation: str
    spacing: tuple[float, ...] | None
    tiling: Tiling | None
    threshold: float
    thresholds: Mapping[str, float]
    min_size: float | None
    severity: Mapping[str, Any] | None
    tta: tuple[tuple[int, ...], ...]
    postprocess: tuple[Mapping[str, Any], ...]
    reference: Mapping[str, Any]
    gate_plan: GatePlan
    min_p: float
    card: Mapping[str, Any]
    sha256: Mapping[str, str]
    golden: GoldenCase | None
    raw: Mapping[str, Any]

    @property
    def spatial_dims(self) -> int:
        return len(self.input_shape) - 2

    @property
    def channel_labels(self) -> tuple[str, ...]:
        """The label of each output channel; a single channel is the finding itself."""
        return (
            self.labels[-1:]
            if channel_count(self.output_shape, self.channel_axis) == 1
            else self.labels
        )


def read_metadata(folder: Path) -> ModelMetadata:
    """Return what `folder`/metadata.json says. Raises MetadataError naming key and values."""
    owner = f"Model “{folder.name}”"
    raw = read_object(folder / METADATA_FILE, owner)
    fields = Fields(owner, raw)
    identity = _identity(fields, folder.name.partition("@")[0])
    shapes = shapes_of(fields, identity["type"], identity["framework"])
    labels = _labels(fields, identity["type"], shapes)
    recipe = _recipe(fields, shapes)
    answer = _answer(fields, identity["type"], labels, shapes)
    fields.extras()
    fields.done()
    return ModelMetadata(**identity, **shapes, **labels, **recipe, **answer, raw=raw)


def _identity(fields: Fields, folder_name: str) -> dict[str, Any]:
    name = fields.text("name")
    if not NAME.fullmatch(name):
        fields.fail("name", f"{show(name)} is not a name of a-z, 0-9, dot, dash, underscore.")
    if name != folder_name:
        fields.fail("name", f"says {show(name)}, but the folder is named {show(folder_name)}.")
    kind = fields.choice("type", TYPES)
    framework = fields.choice("framework", FRAMEWORKS)
    version = fields.text("version")
    if not SEMVER.fullmatch(version):
        fields.fail("version", f"{show(version)} is not a semantic version such as 1.0.0.")
    modality = fields.texts("modality")
    for word in modality:
        if word not in MODALITIES:
            fields.fail("modality", f"{show(word)} is not one of {', '.join(MODALITIES)}.")
    return {
        "name": name,
        "type": kind,
        "framework": framework,
        "version": version,
        "modality": modality,
    }


def _labels(fields: Fields, kind: str, shapes: Mapping[str, Any]) -> dict[str, Any]:
    names = label_names(fields)
    if kind != "detection":
        axis = shapes["channel_axis"] if kind == "segmentation" else 1
        count = channel_count(shapes["output_shape"], axis)
        if count is None:
            fields.fail("output_shape", "the channel count must be a number, not null.")
        one_finding = kind == "segmentation" and count == 1 and _is_one_finding(names)
        if len(names) != count and not one_finding:
            fields.fail("labels", f"{len(names)} names, but output_shape has {count} channels.")
    reference = reference_plan(fields, names)
    return {
        "labels": names,
        "reference": reference,
        "findings": finding_labels(fields, kind, names, reference),
    }


def _is_one_finding(names: tuple[str, ...]) -> bool:
    """One channel may be declared as background and X: it is X."""
    return len(names) == 2 and names[0].casefold() == "background"


def _recipe(fields: Fields, shapes: Mapping[str, Any]) -> dict[str, Any]:
    """Take what stands between the picture and the network."""
    shape, axis = shapes["input_shape"], shapes["channel_axis"]
    dims = len(shape) - 2
    plan = fields.inner("preprocessing")
    normalize = plan.flag("normalize")
    target = plan.numbers("target_size", counts=(dims,), low=1, high=16384, whole=True)
    plan.done()
    tiling = tiling_plan(fields, dims)
    grid = tiling.roi_size if tiling else target
    sizes = zip(spatial_size(shape, axis), grid, strict=True)
    if any(have is not None and have != want for have, want in sizes):
        key = "tiling.roi_size" if tiling else "preprocessing.target_size"
        fields.fail(key, f"{show(list(grid))} does not fit input_shape {show(list(shape))}.")
    orientation, spacing = _geometry(fields, dims)
    return {
        "normalize": normalize,
        "target_size": target,
        "tiling": tiling,
        "orientation": orientation,
        "spacing": spacing,
        "intensity": intensity_steps(fields, len(shapes["channels"])),
        "resize": fields.choice("resize", ("stretch", "letterbox", "crop"), "stretch"),
        "network": network_plan(fields),
        "tta": tta_flips(fields, dims),
    }


def _geometry(fields: Fields, dims: int) -> tuple[str, tuple[float, ...] | None]:
    if dims == 2 and (fields.has("orientation") or fields.has("spacing")):
        key = "orientation" if fields.has("orientation") else "spacing"
        fields.fail(key, "is for networks of three dimensions; input_shape has two.")
    orientation = fields.text("orientation", "")
    if orientation and sorted(_PATIENT_AXIS.get(c, "?") for c in orientation) != ["x", "y", "z"]:
        fields.fail("orientation", f"{show(orientation)} is not three letters such as RAS.")
    return orientation, fields.numbers("spacing", None, counts=(dims,), low=1e-3, high=1e3)


def _answer(
    fields: Fields, kind: str, labels: Mapping[str, Any], shapes: Mapping[str, Any]
) -> dict[str, Any]:
    """Take what stands between the network's output and the number that is shown."""
    thresholds = fields.inner("thresholds", {})
    per_label = {
        name: float(thresholds.number(name, low=1e-6, high=1))
        for name in labels["labels"]
        if thresholds.has(name)
    }
    thresholds.done()
    default = _default_activation(kind, labels, shapes, bool(per_label))
    return {
        "activation": fields.choice("activation", ACTIVATIONS, default),
        "temperature": float(fields.number("temperature", 1.0, low=1e-6, high=1e6)),
        "threshold": float(fields.number("threshold", 0.5, low=1e-6, high=1)),
        "thresholds": per_label,
        "min_size": fields.number("min_size", None, low=0),
        "severity": severity_rule(fields),
        "postprocess": postprocess_steps(fields),
        "gate_plan": gate_plan(fields),
        "min_p": _least_probability(fields, kind),
        "card": card_of(fields),
        "sha256": sha256_table(fields),
        "golden": golden_case(fields, kind),
    }


def _default_activation(
    kind: str, labels: Mapping[str, Any], shapes: Mapping[str, Any], per_label: bool
) -> str:
    """Sigmoid for one channel and for labels that may hold together; else softmax."""
    if kind == "detection":
        return "none"
    axis = shapes["channel_axis"] if kind == "segmentation" else 1
    one = channel_count(shapes["output_shape"], axis) == 1
    no_background = kind == "segmentation" and labels["labels"][0].casefold() != "background"
    return "sigmoid" if one or per_label or no_background else "softmax"


def _least_probability(fields: Fields, kind: str) -> float:
    if kind != "classification" and fields.has("min_p"):
        fields.fail("min_p", f"is for classification; type is {kind}.")
    return float(fields.number("min_p", 0.5, low=0, high=1))
