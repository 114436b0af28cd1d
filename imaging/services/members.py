"""The choice of models behind a run or a saved ensemble: checked, then frozen."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from imaging.inference.metadata_labels import label_key
from imaging.inference.spec import RUNNABLE_TYPES, EnsembleSpec, MemberSpec
from imaging.models import Ensemble, Fusion, ModelState, ModelVersion
from imaging.registry.manifest import manifest_problem
from imaging.services.refusals import NotPossible

MOST_MEMBERS = 16
MOST_WEIGHT = 1e6
DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,2})?")


@dataclass(frozen=True, slots=True)
class MemberChoice:
    """One model with the weight and the device that a person gave it."""

    model_version: ModelVersion
    weight: float = 1.0
    device: str = "auto"


def members_check(members: Sequence[MemberChoice]) -> None:
    """Raise NotPossible, in words, for a choice that cannot be an ensemble."""
    if not members:
        raise NotPossible(_("Choose at least one model."))
    if len(members) > MOST_MEMBERS:
        raise NotPossible(_("Choose at most %(n)d models.") % {"n": MOST_MEMBERS})
    for member in members:
        _member_check(member)
    names = [member.model_version.name for member in members]
    for name in names:
        if names.count(name) > 1:
            raise NotPossible(_("%(model)s was chosen twice.") % {"model": name})
    if not any(member.weight > 0 for member in members):
        raise NotPossible(_("All weights are zero. Give at least one model a weight."))
    _same_task_check([member.model_version for member in members])


def threshold_check(threshold: float) -> float:
    """Return `threshold` as a number in (0, 1]; raise NotPossible for any other."""
    if not (math.isfinite(threshold) and 0 < threshold <= 1):
        raise NotPossible(_("The threshold must be above 0 and at most 1."))
    return float(threshold)


def frozen_spec(
    members: Sequence[MemberChoice],
    *,
    threshold: float,
    ensemble: Ensemble | None,
    fusion: str = Fusion.MEAN,
) -> EnsembleSpec:
    """Return what the engine will run, with the files' hashes as they are registered now.

    The severity rule is the ensemble's, else its heaviest member's.
    """
    heaviest = max(members, key=lambda member: member.weight).model_version
    saved = ensemble.severity if ensemble else None
    return EnsembleSpec(
        name=ensemble.name if ensemble else "",
        type=heaviest.type,
        labels=_labels(members),
        threshold=threshold,
        severity=saved or heaviest.metadata.get("severity"),
        members=tuple(
            MemberSpec(
                model=member.model_version.name,
                version=member.model_version.version,
                weight=float(member.weight),
                device=member.device,
                sha256=member.model_version.sha256,
            )
            for member in members
        ),
        fusion=str(fusion),
        thresholds=_own_thresholds(ensemble, members, fusion),
        union=len({frozenset(_keys(member.model_version)) for member in members}) > 1,
    )


def _own_thresholds(
    ensemble: Ensemble | None, members: Sequence[MemberChoice], fusion: str
) -> dict[str, float]:
    """Return the thresholds by label that were found for this very ensemble, else none.

    Another version, weight or fusion moves the probabilities: then the members' own count.
    """
    if ensemble is None or not ensemble.thresholds or fusion != ensemble.fusion:
        return {}
    saved = {one.model_version_id: one.weight for one in ensemble.members.all()}
    asked = {one.model_version.pk: one.weight for one in members}
    is_same = saved.keys() == asked.keys() and all(
        math.isclose(_share(saved, key), _share(asked, key), abs_tol=1e-6) for key in saved
    )
    return dict(ensemble.thresholds) if is_same else {}


def _share(weights: Mapping[uuid.UUID, float], key: uuid.UUID) -> float:
    return weights[key] / sum(weights.values())


def fusion_check(fusion: str, members: Sequence[MemberChoice]) -> str:
    """Return how the members are joined; raise NotPossible for what their task does not have."""
    if fusion not in Fusion.values:
        raise NotPossible(_("Choose how the models are joined: mean, majority or STAPLE."))
    if fusion == Fusion.STAPLE and members[0].model_version.type != "segmentation":
        raise NotPossible(_("STAPLE joins masks. Choose the mean or the majority vote here."))
    return fusion


def _labels(members: Sequence[MemberChoice]) -> tuple[str, ...]:
    """Return every label once, as the heaviest member that knows it spells it."""
    by_weight = sorted(members, key=lambda member: -member.weight)
    found: dict[str, str] = {}
    for member in by_weight:
        for label in member.model_version.labels:
            found.setdefault(label_key(label), label)
    return tuple(found.values())


def _member_check(member: MemberChoice) -> None:
    model = member.model_version
    names = {"model": model.name, "device": member.device[:16]}
    if not (math.isfinite(member.weight) and 0 <= member.weight <= MOST_WEIGHT):
        raise NotPossible(_("The weight of %(model)s must be a number, zero or more.") % names)
    if not DEVICE.fullmatch(member.device):
        raise NotPossible(
            _("%(device)s is not a device for %(model)s. Write auto, cpu, cuda or cuda:1.") % names
        )
    if model.state != ModelState.ACTIVE:
        raise NotPossible(
            _("%(model)s is not active: %(why)s")
            % {"model": model, "why": model.problem or model.get_state_display()}
        )
    if problem := manifest_problem(model):
        raise NotPossible(f"{model}: {problem}")
    if model.type not in RUNNABLE_TYPES:
        raise NotPossible(
            _("%(model)s does %(type)s, which is not run here.")
            % {"model": model, "type": model.type}
        )


def _same_task_check(models: Sequence[ModelVersion]) -> None:
    """Raise unless all models do one task and find the same labels; classes may differ.

    A mean of different things means nothing; a class is averaged over the models that know it.
    """
    first = models[0]
    for other in models[1:]:
        if first.type != other.type:
            raise NotPossible(
                _("%(a)s does %(what_a)s and %(b)s %(what_b)s: only one task runs at a time.")
                % {"a": first.name, "what_a": first.type, "b": other.name, "what_b": other.type}
            )
        if first.type != "classification" and _keys(first) != _keys(other):
            raise NotPossible(
                _("%(a)s finds %(what_a)s and %(b)s finds %(what_b)s: they cannot be averaged.")
                % {
                    "a": first.name,
                    "what_a": ", ".join(first.labels),
                    "b": other.name,
                    "what_b": ", ".join(other.labels),
                }
            )


def _keys(model: ModelVersion) -> set[str]:
    return {label_key(label) for label in model.labels}
