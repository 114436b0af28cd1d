"""The frozen recipe of one run: members with version, weight, device and hash; threshold; rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from imaging.inference.devices import is_device
from imaging.inference.ensembles import (
    FUSIONS,
    fusion_checked,
    model_folder,
    read_ensemble,
    thresholds_of,
    weights_checked,
)
from imaging.inference.errors import MetadataError
from imaging.inference.fields import Fields, show
from imaging.inference.metadata import TYPES, ModelMetadata, model_file, read_metadata
from imaging.inference.metadata_card import severity_rule, sha256_table
from imaging.inference.metadata_labels import label_key
from imaging.inference.model_files import file_sha256, titled
from imaging.types import InferenceError

RUNNABLE_TYPES = ("segmentation", "classification", "detection")


@dataclass(frozen=True, slots=True)
class MemberSpec:
    """One model of a run. `sha256` is {file: hex}; an empty version takes what is there."""

    model: str
    version: str = ""
    weight: float = 1.0
    device: str = "auto"
    sha256: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EnsembleSpec:
    """What an analysis runs. `labels` are the finding labels, named as the heaviest member does.

    fusion      how the members become one: mean, majority, staple (masks only).
    thresholds  the ensemble's own, by label, for classes and boxes.
    union       classification: members may know different labels; each is averaged over its own.
    """

    name: str
    type: str
    labels: tuple[str, ...]
    threshold: float
    severity: Mapping[str, Any] | None
    members: tuple[MemberSpec, ...]
    fusion: str = "mean"
    thresholds: Mapping[str, float] = field(default_factory=dict)
    union: bool = False

    @property
    def shares(self) -> dict[str, float]:
        """Return each member's weight as its share of one, w_m = v_m / sum of v."""
        total = sum(member.weight for member in self.members)
        return {member.model: member.weight / total for member in self.members}

    @property
    def heaviest(self) -> MemberSpec:
        return max(self.members, key=lambda member: member.weight)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": self.type,
            "labels": list(self.labels),
            "threshold": self.threshold,
            "severity": dict(self.severity) if self.severity else None,
            "fusion": self.fusion,
            "thresholds": dict(self.thresholds),
            "union": self.union,
            "members": [
                {
                    "model": member.model,
                    "version": member.version,
                    "weight": member.weight,
                    "device": member.device,
                    "sha256": dict(member.sha256),
                }
                for member in self.members
            ],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> EnsembleSpec:
        """Return the spec that `to_json` wrote. Raises MetadataError naming what is wrong."""
        fields = Fields("This run's ensemble", values)
        spec = cls(
            name=fields.take("name", "") or "",
            type=fields.choice("type", TYPES),
            labels=_labels(fields),
            threshold=float(fields.number("threshold", low=1e-6, high=1)),
            severity=severity_rule(fields),
            members=tuple(
                _member(fields, item, n) for n, item in enumerate(fields.items("members"))
            ),
            fusion=fields.choice("fusion", FUSIONS, "mean"),
            thresholds=thresholds_of(fields),
            union=fields.flag("union", False),
        )
        fields.done()
        fusion_checked("This run's ensemble", spec.type, spec.fusion)
        _check_members(spec.members)
        return spec


def spec_from_file(root: Path, name: str) -> EnsembleSpec:
    """Return the spec of models/ensembles/<name>.json with versions and hashes filled in."""
    found = read_ensemble(root, name)
    members = [MemberSpec(m.model, m.version, m.weight, m.device) for m in found.members]
    spec = spec_from_members(
        root,
        members,
        name=name,
        threshold=found.threshold,
        severity=found.severity,
        fusion=found.fusion,
        thresholds=found.thresholds,
        union=found.union,
    )
    if spec.type != found.type:
        raise MetadataError(
            f"Ensemble “{name}”: type says {found.type}, but its models are of type {spec.type}."
        )
    for member in found.members:
        reads = read_metadata(root / member.model).modality
        if not set(found.modality) <= set(reads):
            raise MetadataError(
                f"Ensemble “{name}”: modality says {_words(found.modality)}, "
                f"but model “{member.model}” reads {_words(reads)}."
            )
    return spec


def spec_from_members(
    root: Path,
    members: Sequence[MemberSpec],
    *,
    name: str = "",
    threshold: float | None = None,
    severity: Mapping[str, Any] | None = None,
    fusion: str = "mean",
    thresholds: Mapping[str, float] | None = None,
    union: bool = False,
) -> EnsembleSpec:
    """Return a spec of models that fit together.

    Raises InferenceError for an unknown model or version, for types, modalities or finding labels
    that differ, and for weights that cannot be normalised. Without a threshold the weighted mean
    of the members' own is taken; without a rule the heaviest member's.
    """
    _check_members(members)
    cards = [_card_of(root, member) for member in members]
    heaviest = max(range(len(members)), key=lambda index: members[index].weight)
    for card in cards:
        _check_fit(cards[heaviest], card, union)
    fusion_checked("This ensemble", cards[heaviest].type, fusion)
    total = sum(member.weight for member in members)
    mean = sum(m.weight * card.threshold for m, card in zip(members, cards, strict=True)) / total
    return EnsembleSpec(
        name=name,
        type=cards[heaviest].type,
        labels=cards[heaviest].findings,
        threshold=round(mean, 4) if threshold is None else threshold,
        severity=severity or cards[heaviest].severity,
        members=tuple(_filled(root, m, card) for m, card in zip(members, cards, strict=True)),
        fusion=fusion,
        thresholds=dict(thresholds or {}),
        union=union,
    )


def why_not_runnable(metadata: ModelMetadata) -> str:
    """Return why this version cannot run the model, "" when it can."""
    if metadata.type == "detection" and metadata.spatial_dims == 3:
        return f"{titled(metadata)} draws boxes in volumes; boxes are drawn in pictures here."
    if metadata.type != "segmentation" and metadata.tiling:
        return f"{titled(metadata)} has `tiling`, which is for segmentation."
    others = [name for name in metadata.channels if name != "grey"]
    if others:
        return f"{titled(metadata)} needs the sequences {', '.join(others)}; one image has one."
    if organ := metadata.reference.get("model"):
        return (
            f"{titled(metadata)} counts inside the organ mask of “{organ}”;"
            " only an organ among the model's own labels is taken here."
        )
    return ""


def _card_of(root: Path, member: MemberSpec) -> ModelMetadata:
    card = read_metadata(model_folder(root, member.model))
    if member.version and member.version != card.version:
        raise InferenceError(
            f"Model “{member.model}” is there in version {card.version}, "
            f"but version {member.version} is asked for."
        )
    if reason := why_not_runnable(card):
        raise InferenceError(reason)
    return card


def _check_fit(first: ModelMetadata, other: ModelMetadata, union: bool) -> None:
    """Members of one ensemble share type, a modality, and the same finding labels by name.

    With `union` classifiers may know different labels.
    """
    free = union and first.type == "classification"
    pairs = (
        ("type", first.type, other.type, first.type == other.type),
        ("modality", first.modality, other.modality, set(first.modality) & set(other.modality)),
        ("labels", first.findings, other.findings, free or _keys(first) == _keys(other)),
    )
    for key, a, b, fits in pairs:
        if not fits:
            raise InferenceError(
                f"{titled(first)} and {titled(other)} do not fit together: "
                f"{key} {_words(a)} and {_words(b)}."
            )


def _keys(card: ModelMetadata) -> set[str]:
    return {label_key(label) for label in card.findings}


def _words(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def _filled(root: Path, member: MemberSpec, card: ModelMetadata) -> MemberSpec:
    """Fill in version and hash; a declared hash is taken, the engine compares it at loading."""
    path = model_file(root / member.model)
    digest = card.sha256.get(path.name) or file_sha256(path)
    return replace(member, version=card.version, sha256={path.name: digest})


def _labels(fields: Fields) -> tuple[str, ...]:
    """Take the finding labels; an older frozen copy may not hold them."""
    found = fields.items("labels", [])
    if not all(isinstance(label, str) for label in found):
        fields.fail("labels", f"{show(found)} are not names.")
    return tuple(found)


def _member(fields: Fields, item: Any, index: int) -> MemberSpec:
    inner = Fields(fields.owner, item, f"members[{index}]")
    member = MemberSpec(
        model=inner.text("model"),
        version=inner.take("version", ""),
        weight=float(inner.number("weight", low=0, high=1e6)),
        device=inner.checked("device", is_device, "auto, cpu, cuda or cuda:N", "auto"),
        sha256=sha256_table(inner),
    )
    inner.done()
    return member


def _check_members(members: Sequence[MemberSpec]) -> None:
    """Raise MetadataError for a bad weight or device, a model named twice, or nothing to run."""
    owner = "This ensemble"
    for member in members:
        given = Fields(owner, {"weight": member.weight, "device": member.device}, member.model)
        given.number("weight", low=0, high=1e6)
        given.checked("device", is_device, "auto, cpu, cuda or cuda:N", None)
    names = [member.model for member in members]
    for name in names:
        if names.count(name) > 1:
            raise MetadataError(f"{owner}: model “{name}” stands {names.count(name)} times.")
    weights_checked(owner, {member.model: member.weight for member in members})
