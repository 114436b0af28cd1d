"""What a weight file tells → a form that is filled in; the form → metadata.json."""

from __future__ import annotations

import json
import re
from typing import Any

from imaging.model_forms import IMAGENET, ModelDescriptionForm
from imaging.models import ModelUpload, ModelVersion

_NOT_IN_A_NAME = re.compile(r"[^a-z0-9._-]+")
_CARD_TEXTS = ("intended_use", "training_data", "limitations", "licence")


def initial_of(upload: ModelUpload) -> dict[str, Any]:
    """Return what the form can say before anybody has written: from the file and its name."""
    if upload.form:
        return _as_described(upload.form)
    told, stem = upload.told, upload.name.rpartition(".")[0].lower()
    name = _NOT_IN_A_NAME.sub("-", stem).strip("._-")[:64] or "my-model"
    found: dict[str, Any] = {"name": name, "version": _next_version(name)}
    if told["task"]:
        found["type"] = told["task"]
    if told["size"]:
        found["size"] = _times(told["size"])
    if told["channels"]:
        found["channels"] = str(told["channels"])
    if told["ends_in"]:
        found["activation"] = "none"
    found["any_size"] = told["is_any_size"]
    if told["labels"]:
        found["labels"] = "\n".join(_label(n, told) for n in range(min(told["labels"], 256)))
    return found


def _as_described(record: dict[str, Any]) -> dict[str, Any]:
    """Return the answers that made this metadata.json, to be corrected."""
    card, steps = record["card"], record.get("intensity", [])
    values = "unit" if record["preprocessing"]["normalize"] else "stored"
    if steps:
        values = {"zscore": "image", "percentile": "imagenet", "scale": "range"}[steps[0]["op"]]
    axis = -1 if record["framework"] == "tensorflow" else record.get("channel_axis", 1)
    return {
        **{key: record[key] for key in ("name", "version", "type", "modality", "threshold")},
        **{key: card[key] for key in _CARD_TEXTS},
        "labels": "\n".join(record["labels"].values()),
        "size": _times(record["preprocessing"]["target_size"]),
        "any_size": record["input_shape"][2 if axis == 1 else 1] is None,
        "channels": str(record["input_shape"][axis]),
        "values": values,
        "value_range": " to ".join(f"{one:g}" for one in steps[0]["from"])
        if values == "range"
        else "",
        "orientation": record.get("orientation", ""),
        "spacing": _times(record.get("spacing", [])),
        "activation": record.get("activation", ""),
        "network": json.dumps(record["network"], indent=1) if "network" in record else "",
        "evaluation": card["evaluation"]["summary"],
        "authors": ", ".join(card["authors"]),
    }


def _times(numbers: list[float]) -> str:
    return " × ".join(f"{one:g}" for one in numbers)


def _label(n: int, told: dict[str, Any]) -> str:
    """Stand-ins to be written over; the first of several masks is most often the background."""
    is_mask = told["task"] == "segmentation" and told["labels"] > 1
    return "background" if is_mask and n == 0 else f"finding {n if is_mask else n + 1}"


def _next_version(name: str) -> str:
    """Return 1.0.0, or the minor version after the newest of that name."""
    versions = ModelVersion.objects.filter(name=name).values_list("version", flat=True)
    plain = [re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", one) for one in versions]
    newest = max((tuple(int(n) for n in one.groups()) for one in plain if one), default=None)
    return f"{newest[0]}.{newest[1] + 1}.0" if newest else "1.0.0"


def metadata_of(form: ModelDescriptionForm) -> dict[str, Any]:
    """Return the metadata.json that these answers make; the worker checks it as any other."""
    said, told = form.cleaned_data, form.told
    record: dict[str, Any] = {
        "name": said["name"],
        "type": said["type"],
        "framework": told["framework"],
        "version": said["version"],
        **_shapes(said, is_last=told["is_last"]),
        "modality": said["modality"],
        "labels": {str(n): name for n, name in enumerate(said["labels"])},
        "preprocessing": {"normalize": said["values"] == "unit", "target_size": said["size"]},
        "threshold": said["threshold"],
        "card": {
            "authors": [one.strip() for one in said["authors"].split(",") if one.strip()],
            "evaluation": {"summary": said["evaluation"]},
            **{key: said[key] for key in _CARD_TEXTS},
        },
    }
    optional = {
        "activation": said["activation"],
        "network": said.get("network"),
        "intensity": _intensity(said),
        "orientation": said.get("orientation"),
        "spacing": said.get("spacing"),
    }
    record |= {key: value for key, value in optional.items() if value}
    if told["is_last"] and told["framework"] != "tensorflow":
        record["channel_axis"] = -1
    return record


def _intensity(said: dict[str, Any]) -> list[dict[str, Any]]:
    if said["values"] == "image":
        return [{"op": "zscore"}]
    if said["values"] == "imagenet":
        return [{"op": "percentile", "low": 0.5, "high": 99.5}, {"op": "zscore", **IMAGENET}]
    if said["values"] == "range":
        return [{"op": "scale", "from": said["value_range"], "to": [0, 1], "clip": True}]
    return []


def _shapes(said: dict[str, Any], *, is_last: bool) -> dict[str, list]:
    """Return input_shape and output_shape as the framework writes them."""
    grid = [None] * len(said["size"]) if said.get("any_size") else said["size"]

    def shape(channels: int) -> list:
        return [None, *grid, channels] if is_last else [None, channels, *grid]

    count = len(said["labels"])
    outputs = {
        "segmentation": shape(count),
        "classification": [None, count],
        "detection": [[None, 4], [None], [None]],
    }
    return {"input_shape": shape(int(said["channels"])), "output_shape": outputs[said["type"]]}
