"""The models folder read as data: which models and ensembles there are, and what a file says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imaging.inference.devices import is_device
from imaging.inference.errors import MetadataError
from imaging.inference.fields import Fields, read_object
from imaging.inference.metadata import METADATA_FILE, MODALITIES, NAME, SEMVER, TYPES
from imaging.inference.metadata_card import severity_rule
from imaging.types import InferenceError

ENSEMBLES = "ensembles"
FUSIONS = ("mean", "majority", "staple")


@dataclass(frozen=True, slots=True)
class EnsembleMember:
    """One line of an ensemble file; an empty version means the one in the models folder."""

    model: str
    version: str
    weight: float
    device: str


@dataclass(frozen=True, slots=True)
class EnsembleFile:
    """models/ensembles/<name>.json as it was written."""

    name: str
    title: str
    type: str
    modality: tuple[str, ...]
    members: tuple[EnsembleMember, ...]
    threshold: float
    severity: Mapping[str, Any] | None
    fusion: str
    thresholds: Mapping[str, float]
    union: bool
    suggested: Mapping[str, Any] | None = None


def model_names(root: Path) -> tuple[str, ...]:
    """Return the folders of `root` that hold a metadata.json, sorted."""
    found = (path.parent.name for path in root.glob(f"*/{METADATA_FILE}"))
    return tuple(sorted(name for name in found if NAME.fullmatch(name) and name != ENSEMBLES))


def model_folder(root: Path, name: str, version: str = "", store: Path | None = None) -> Path:
    """Return the folder of a model: looked up, never joined from what a user typed.

    `store` holds the versions that were taken in, as <name>@<version>; they come first. Without
    a version the models folder does, then the newest of the store. Raises InferenceError.
    """
    taken = [one for one in stored_versions(store, name) if not version or one == version]
    if taken and store and (version or name not in model_names(root)):
        return store / f"{name}@{taken[-1]}"
    if name not in model_names(root):
        raise InferenceError(f"There is no model named “{name}”.")
    return root / name


def stored_versions(store: Path | None, name: str) -> list[str]:
    """Return the versions of `name` in the store, the oldest first."""
    if store is None or not NAME.fullmatch(name):
        return []
    found = (path.parent.name.partition("@")[2] for path in store.glob(f"{name}@*/{METADATA_FILE}"))
    return sorted((one for one in found if SEMVER.fullmatch(one)), key=_by_number)


def _by_number(version: str) -> tuple[list[int], str]:
    core, _, rest = version.partition("-")
    numbers = [int(part) for part in core.partition("+")[0].split(".")]
    return numbers, rest or "~"  # a release stands after its candidates


def ensemble_names(root: Path) -> tuple[str, ...]:
    """Return the names of the ensemble files under `root`, sorted."""
    found = (path.stem for path in root.glob(f"{ENSEMBLES}/*.json"))
    return tuple(sorted(name for name in found if NAME.fullmatch(name)))


def read_ensemble(root: Path, name: str) -> EnsembleFile:
    """Return one ensemble file. Raises InferenceError (unknown) or MetadataError (wrong)."""
    if name not in ensemble_names(root):
        raise InferenceError(f"There is no ensemble named “{name}”.")
    owner = f"Ensemble “{name}”"
    fields = Fields(owner, read_object(root / ENSEMBLES / f"{name}.json", owner))
    modality = fields.texts("modality")
    for word in modality:
        if word not in MODALITIES:
            fields.fail("modality", f"“{word}” is not one of {', '.join(MODALITIES)}.")
    found = EnsembleFile(
        name=name,
        title=fields.text("title"),
        type=fields.choice("type", TYPES),
        modality=modality,
        members=_members(fields),
        threshold=float(fields.number("threshold", low=1e-6, high=1)),
        severity=severity_rule(fields),
        fusion=fields.choice("fusion", FUSIONS, "mean"),
        thresholds=thresholds_of(fields),
        union=fields.choice("labels", ("same", "union"), "same") == "union",
        suggested=_suggested(fields),
    )
    fields.extras()
    fields.done()
    fusion_checked(owner, found.type, found.fusion)
    if found.union and found.type != "classification":
        raise MetadataError(f"{owner}: labels: union is for classification.")
    return found


def _suggested(fields: Fields) -> dict[str, Any] | None:
    """Take `suggested`: what tune_ensemble proposed, with what it gained on how many images."""
    if not fields.has("suggested"):
        return None
    inner = fields.inner("suggested")
    given = inner.checked("weights", lambda v: isinstance(v, Mapping), "an object", {})
    weights = Fields(fields.owner, given, "suggested.weights")
    found = {
        "weights": {name: float(weights.number(name, low=0, high=1e6)) for name in given},
        "threshold": float(inner.number("threshold", low=1e-6, high=1)),
        "gain": float(inner.number("gain", low=-1, high=1)),
        "ci95": list(inner.numbers("ci95", counts=(2,), low=-1, high=1)),
        "images": inner.number("images", low=2, high=1e9, whole=True),
        "folds": inner.number("folds", low=2, high=1000, whole=True),
    }
    inner.text("data_sha256", None)
    inner.done()
    weights_checked(f"{fields.owner}: suggested", found["weights"])
    return found


def thresholds_of(fields: Fields) -> dict[str, float]:
    """Take `thresholds`: the ensemble's own by label, above 0 and at most 1."""
    given = fields.checked("thresholds", lambda v: isinstance(v, Mapping), "an object", {})
    inner = Fields(fields.owner, given, "thresholds")
    return {label: float(inner.number(label, low=1e-6, high=1)) for label in given}


def fusion_checked(owner: str, kind: str, fusion: str) -> None:
    """Raise MetadataError for a fusion that this kind of answer does not have."""
    if fusion == "staple" and kind != "segmentation":
        raise MetadataError(f"{owner}: STAPLE joins masks; choose mean or majority for {kind}.")


def weights_checked(owner: str, weights: Mapping[str, float]) -> None:
    """Raise MetadataError when the weights of an ensemble cannot be normalised."""
    if not weights:
        raise MetadataError(f"{owner}: an ensemble needs at least one member.")
    if sum(weights.values()) <= 0:
        raise MetadataError(f"{owner}: all weights are zero; at least one must be above zero.")


def _members(fields: Fields) -> tuple[EnsembleMember, ...]:
    found = []
    for index, item in enumerate(fields.items("members")):
        inner = Fields(fields.owner, item, f"members[{index}]")
        found.append(
            EnsembleMember(
                model=inner.text("model"),
                version=inner.text("version", ""),
                weight=float(inner.number("weight", 1.0, low=0, high=1e6)),
                device=inner.checked("device", is_device, "auto, cpu, cuda or cuda:N", "auto"),
            )
        )
        inner.done()
    names = [member.model for member in found]
    for name in names:
        if names.count(name) > 1:
            fields.fail("members", f"model “{name}” stands {names.count(name)} times.")
    weights_checked(fields.owner, {member.model: member.weight for member in found})
    return tuple(found)
