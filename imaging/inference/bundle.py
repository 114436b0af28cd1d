"""A MONAI bundle read as data: no expression is evaluated, no script imported, nothing fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imaging.inference.bundle_steps import Steps, read_steps
from imaging.inference.errors import ModelFileError
from imaging.inference.fields import read_object
from imaging.inference.metadata import SEMVER
from imaging.inference.metadata_recipe import NETS, NETWORKS

MODALITIES = {"ct": "ct", "mr": "mri", "mri": "mri", "xray": "xray", "x-ray": "xray", "cr": "xray",
              "dx": "xray"}  # fmt: skip
_CLASSIFIERS = ("DenseNet", "ResNet", "resnet", "EfficientNet")
_ON_DEVICE = re.compile(r"\$\s*@network_def\.to\(\s*@device\s*\)")
_MOST_DEPTH = 16


@dataclass(frozen=True, slots=True)
class Draft:
    """What a bundle becomes: a metadata.json for a person to confirm, and its weight file."""

    metadata: dict[str, Any]
    weights: Path
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Config:
    """inference.json with its references followed; `$` stays what it is, a text."""

    values: Mapping[str, Any]
    owner: str
    reasons: list[str] = field(default_factory=list)

    def get(self, key: str) -> Any:
        return self.resolved(self.values.get(key))

    def resolved(self, value: Any, depth: int = 0) -> Any:
        if depth > _MOST_DEPTH:
            raise ModelFileError(f"{self.owner}: its references run in a circle.")
        if isinstance(value, str) and _ON_DEVICE.fullmatch(value.strip()):
            return self.resolved(self.values.get("network_def"), depth + 1)
        if isinstance(value, str) and value.startswith("@"):
            return self.resolved(self._at(value[1:]), depth + 1)
        if isinstance(value, Mapping):
            return {key: self.resolved(one, depth + 1) for key, one in value.items()}
        if isinstance(value, list):
            return [self.resolved(one, depth + 1) for one in value]
        return value

    def _at(self, path: str) -> Any:
        found: Any = self.values
        for part in re.split(r"::|#", path):
            if isinstance(found, list) and part.isdecimal() and int(part) < len(found):
                found = found[int(part)]
            elif isinstance(found, Mapping) and part in found:
                found = found[part]
            else:
                return f"@{path}"  # "@device" and the like, which nothing here asks for
        return found


def read_bundle(folder: Path, *, name: str = "", modality: str = "") -> Draft:
    """Return the draft of the bundle in `folder`. Raises ModelFileError, MetadataError.

    Where something needs a developer the sentence says what.
    """
    owner = f"Bundle “{folder.name}”"
    told = read_object(folder / "configs" / "metadata.json", owner)
    config = _Config(read_object(_inference(folder, owner), owner), owner)
    steps = read_steps(config.get("preprocessing"), config.get("inferer"),
                       config.get("postprocessing"), owner)  # fmt: skip
    network = _network(config.get("network_def"))
    weights = _weights(folder, owner, has_network=network is not None)
    formats = _formats(told, owner)
    record = {
        "name": name or _slug(told.get("name") or folder.name),
        **_kind(formats, network, steps, owner),
        "framework": "onnx" if weights.suffix == ".onnx" else "pytorch",
        "version": told["version"] if SEMVER.fullmatch(str(told.get("version"))) else "0.1.0",
        "modality": _modality(formats, modality, owner),
        **steps.to_metadata(),
        "card": _card(told, folder),
        "x_bundle": {"monai_version": told.get("monai_version"), "task": told.get("task")},
    }
    if weights.suffix == ".pt":
        record["network"] = network
    return Draft(record, weights, tuple(steps.notes))


def _inference(folder: Path, owner: str) -> Path:
    path = folder / "configs" / "inference.json"
    if path.is_file():
        return path
    if any((folder / "configs").glob("inference.y*ml")):
        raise _developer(owner, "its inference configuration is YAML. Save it as inference.json.")
    raise _developer(owner, "it has no configs/inference.json.")


def _network(plan: Any) -> dict[str, Any] | None:
    """Return network_def for our allow-list, None where it is not on it."""
    if not isinstance(plan, Mapping) or not isinstance(plan.get("_target_"), str):
        return None
    target = NETS + str(plan["_target_"]).rpartition(".")[2]
    ours = str(plan["_target_"]).startswith("monai.networks.nets") or "." not in plan["_target_"]
    if not ours or not NETWORKS.fullmatch(target) or any(_expressions(plan)):
        return None
    rest = {key: value for key, value in plan.items() if not str(key).startswith("_")}
    return {"_target_": target, **rest}


def _expressions(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.startswith(("$", "@", "%")):
        yield value
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _expressions(one)


def _weights(folder: Path, owner: str, *, has_network: bool) -> Path:
    order = ("model.pt", "model.ts", "model.onnx") if has_network else ("model.ts", "model.onnx")
    for file in order:
        if (folder / "models" / file).is_file():
            return folder / "models" / file
    if any(folder.glob("large_files.y*ml")):
        raise ModelFileError(
            f"{owner}: its weights are named in large_files.yml and not here. Nothing is "
            "downloaded: fetch them, and put them into models/."
        )
    if (folder / "models" / "model.pt").is_file():
        raise _developer(
            owner, "its network_def is no network of MONAI's list, and there is no model.ts."
        )
    raise ModelFileError(f"{owner}: there is no model.pt, model.ts or model.onnx in models/.")


def _formats(told: Mapping[str, Any], owner: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the formats of the one input and of the first output, whatever they are called."""
    formats = told.get("network_data_format")
    if not isinstance(formats, Mapping):
        raise _developer(owner, "metadata.json has no network_data_format.")
    inputs, outputs = formats.get("inputs") or {}, formats.get("outputs") or {}
    if len(inputs) != 1 or not outputs:
        raise _developer(owner, f"it has {len(inputs)} inputs; one is run here.")
    return dict(next(iter(inputs.values()))), dict(next(iter(outputs.values())))


def _kind(
    formats: tuple[dict[str, Any], dict[str, Any]], network: dict[str, Any] | None, steps: Steps,
    owner: str,
) -> dict[str, Any]:  # fmt: skip
    """Return type, shapes and labels; the labels are the channels' names, never `format`."""
    inside, outside = formats
    target = (network or {}).get("_target_", "").rpartition(".")[2]
    kind = "classification" if target.startswith(_CLASSIFIERS) else "segmentation"
    names = outside.get("channel_def") or {}
    labels = {str(n): str(names[str(n)]) for n in range(len(names)) if str(n) in names}
    count = int(outside.get("num_channels") or len(labels))
    if not labels or len(labels) != count:
        raise _developer(owner, f"channel_def names {len(labels)} of {count} output channels.")
    size = [_free(one) for one in inside.get("spatial_shape") or []]
    grid = steps.grid or tuple(one for one in size if one)
    if len(grid) not in (2, 3):
        raise _developer(owner, "neither its inferer nor its spatial_shape says the input size.")
    channels = int(inside.get("num_channels") or 1)
    shape = [None] * len(grid) if len(size) != len(grid) or steps.tiling else size
    found: dict[str, Any] = {
        "type": kind,
        "input_shape": [None, channels, *shape],
        "output_shape": [None, count, *shape] if kind == "segmentation" else [None, count],
        "labels": labels,
        "preprocessing": {"normalize": False, "target_size": list(grid)},
    }
    if channels not in (1, 3):
        sequences = inside.get("channel_def") or {}
        found["channels"] = [str(sequences.get(str(n), f"channel {n}")) for n in range(channels)]
    return found


def _free(size: Any) -> int | None:
    """A number is itself; "*", "8*n" and the like are any size."""
    return size if type(size) is int and size > 0 else None


def _modality(formats: tuple[dict[str, Any], dict[str, Any]], asked: str, owner: str) -> str:
    word = asked or MODALITIES.get(str(formats[0].get("modality", "")).strip().lower(), "")
    if not word:
        raise ModelFileError(f"{owner}: it does not say its modality. Give --modality.")
    return word


def _card(told: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    licence = next((one for one in sorted(folder.glob("LICENSE*")) if one.is_file()), None)
    first = licence.read_text(encoding="utf-8", errors="replace").strip() if licence else ""
    scores = told.get("eval_metrics")
    authors = told.get("authors") or "Not stated in the bundle"
    return {
        "intended_use": str(told.get("intended_use") or told.get("description") or ""),
        "training_data": str(told.get("data_source") or ""),
        "evaluation": dict(scores) if isinstance(scores, Mapping) and scores
        else {"summary": str(scores or "Not stated in the bundle")},
        "limitations": "Not stated in the bundle",
        "licence": first.splitlines()[0][:200] if first else str(told.get("copyright") or ""),
        "authors": [str(authors)] if isinstance(authors, str) else [str(a) for a in authors],
    }  # fmt: skip


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", str(text).lower()).strip("-._")[:64] or "bundle"


def _developer(owner: str, reason: str) -> ModelFileError:
    return ModelFileError(f"{owner} needs a developer: {reason}")
