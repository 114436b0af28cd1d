"""The models folder read into the registry: new, changed, damaged and missing models."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.models import AuditEvent
from imaging.inference.ensembles import model_names
from imaging.inference.metadata import ModelMetadata, read_metadata, verify_files
from imaging.inference.metadata_card import card_missing
from imaging.inference.model_files import model_sha256
from imaging.inference.spec import why_not_runnable
from imaging.models import ModelState, ModelVersion, Run
from imaging.registry.ensembles import ensembles_sync
from imaging.registry.states import (
    model_activate,
    model_draft,
    model_quarantine,
    model_readmit,
    model_retire,
)
from imaging.types import InferenceError

MISSING = "The model's folder is missing. Restore it and sync again."
CHANGED = (
    "Model “{name}” {version}: its files are not those that were registered."
    " Restore them, or give what is new a new version."
)


@dataclass
class SyncReport:
    """What a sync found: names and versions that serve, and a sentence for each that does not."""

    active: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    ensembles: list[str] = field(default_factory=list)


def models_sync() -> SyncReport:
    """Bring the registry into line with the models folder. Twice changes nothing more.

    The starter models of the settings are activated as they come; others wait
    for a person. A damaged model is quarantined by name and the others serve.
    """
    root, report, seen = settings.MODELS_DIR, SyncReport(), set()
    for name in model_names(root):
        try:
            model = _registered(root / name)
        except InferenceError as error:
            report.problems.append(str(error))
            _quarantine_all(name, str(error))
            seen |= set(ModelVersion.objects.filter(name=name).values_list("pk", flat=True))
        else:
            seen.add(model.pk)
    for model in ModelVersion.objects.exclude(pk__in=seen).exclude(state=ModelState.RETIRED):
        model_retire(user=None, model=model, problem=_why_gone(root, model))
    known = ModelVersion.objects.order_by("name", "version")
    report.active = [str(one) for one in known.filter(state=ModelState.ACTIVE)]
    report.problems += [one.problem for one in known.exclude(problem="") if one.pk in seen]
    report.problems = list(dict.fromkeys(report.problems))
    report.ensembles = ensembles_sync(root, report.problems)
    return report


def models_verify(run: Run) -> None:
    """Look at the files of a run's models again, and quarantine those that changed."""
    members = run.members.select_related("model_version")
    for model in (member.model_version for member in members):
        if model.state != ModelState.ACTIVE:
            continue
        try:
            _check(settings.MODELS_DIR / model.name, model)
        except InferenceError as error:
            model_quarantine(model=model, problem=str(error))


@transaction.atomic
def _registered(folder: Path) -> ModelVersion:
    """Return the folder's row, made or checked anew. Raises InferenceError for bad metadata."""
    metadata = read_metadata(folder)
    facts = _facts(folder, metadata)
    model = ModelVersion.objects.filter(name=metadata.name, version=metadata.version).first()
    if model is None:
        model = ModelVersion.objects.create(**facts)
        audit.record(None, "model.register", model)
    elif not _was_active(model):
        ModelVersion.objects.filter(pk=model.pk).update(**facts)
        model.refresh_from_db()
    try:
        _check(folder, model)
    except InferenceError as error:
        return model_quarantine(model=model, problem=str(error))
    return _served(model, metadata)


def _served(model: ModelVersion, metadata: ModelMetadata) -> ModelVersion:
    """Move a model whose files are right to the state it deserves."""
    is_gone = model.state == ModelState.RETIRED and not model.problem
    if is_gone or model.state == ModelState.ACTIVE:
        return model
    if problem := _why_not(metadata):
        return model_draft(model=model, problem=problem)
    model = model_readmit(model=model)
    if model.name in settings.STARTER_MODELS:
        model = model_activate(user=None, model=model)
    return model


def _why_not(metadata: ModelMetadata) -> str:
    missing = ", ".join(card_missing(metadata.card))
    return why_not_runnable(metadata) or (
        f"Model “{metadata.name}” {metadata.version}: its card does not say {missing}."
        if missing
        else ""
    )


def _facts(folder: Path, metadata: ModelMetadata) -> dict[str, Any]:
    """Return the columns that come from the folder."""
    return {
        "name": metadata.name,
        "version": metadata.version,
        "type": metadata.type,
        "framework": metadata.framework,
        "modalities": list(metadata.modality),
        "labels": list(metadata.findings),
        "threshold": metadata.threshold,
        "metadata": dict(metadata.raw),
        "sha256": dict(metadata.sha256) or model_sha256(folder),
    }


def _was_active(model: ModelVersion) -> bool:
    """Say whether the version ever served: from then on it never changes."""
    return AuditEvent.objects.filter(
        target=f"modelversion:{model.pk}", action=f"model.{ModelState.ACTIVE}"
    ).exists()


def _check(folder: Path, model: ModelVersion) -> None:
    """Raise InferenceError unless the folder holds exactly what was registered."""
    if not folder.is_dir():
        raise InferenceError(MISSING)
    metadata = read_metadata(folder)
    verify_files(folder, metadata)
    facts = _facts(folder, metadata)
    if any(facts[name] != getattr(model, name) for name in ("version", "sha256", "metadata")):
        raise InferenceError(CHANGED.format(name=model.name, version=model.version))


def _quarantine_all(name: str, problem: str) -> None:
    for model in _serving(name):
        model_quarantine(model=model, problem=problem)


def _serving(name: str) -> Iterable[ModelVersion]:
    return ModelVersion.objects.filter(name=name).exclude(state=ModelState.RETIRED)


def _why_gone(root: Path, model: ModelVersion) -> str:
    """Return why no folder holds this version any more."""
    if not (root / model.name).is_dir():
        return MISSING
    return "The folder holds another version of this model now."
