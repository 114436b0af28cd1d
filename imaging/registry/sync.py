"""The models folder read into the registry: new, changed, damaged and missing models."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts import audit
from imaging.engine.client import EngineError
from imaging.inference.ensembles import model_names
from imaging.inference.metadata import ModelMetadata, read_metadata, verify_files
from imaging.inference.model_files import (
    file_sha256,
    is_to_convert,
    model_sha256,
    source_path,
)
from imaging.models import ModelOrigin, ModelState, ModelVersion, Run
from imaging.registry.ensembles import ensembles_sync
from imaging.registry.goldens import golden_problem
from imaging.registry.manifest import manifest_problem, manifest_sign
from imaging.registry.states import (
    model_activate,
    model_draft,
    model_quarantine,
    model_readmit,
    model_retire,
    was_active,
)
from imaging.registry.store import folder_of
from imaging.registry.taking import Sent, model_golden, model_take, why_not_ready
from imaging.types import InferenceError

MISSING = "The model's folder is missing. Restore it and sync again."
CHANGED = (
    "Model “{name}” {version}: its files are not those that were registered."
    " Restore them, or give what is new a new version."
)
CHANGED_END = CHANGED.rpartition(". ")[2]


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
            model = _converted(root / name) or _registered(root / name)
        except InferenceError as error:
            report.problems.append(str(error))
            _quarantine_all(name, str(error))
            seen |= set(ModelVersion.objects.filter(name=name).values_list("pk", flat=True))
        else:
            seen.add(model.pk)
    seen |= _store_checked(besides=seen)
    for model in ModelVersion.objects.exclude(pk__in=seen).exclude(state=ModelState.RETIRED):
        model_retire(user=None, model=model, problem=_why_gone(root, model))
    known = list(ModelVersion.objects.order_by("name", "version"))
    report.problems += _goldens_run(known)
    report.active = [str(one) for one in known if one.state == ModelState.ACTIVE]
    report.problems += [one.problem for one in known if one.problem and one.pk in seen]
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
            files_check(folder_of(model), model)
        except InferenceError as error:
            model_quarantine(model=model, problem=str(error))


def _converted(folder: Path) -> ModelVersion | None:
    """Take a folder in whose file is not served as it is (.pt, .pth); None for all others.

    No transaction is open meanwhile. Raises InferenceError.
    """
    if not is_to_convert(folder):
        return None
    metadata = read_metadata(folder)
    model = ModelVersion.objects.filter(name=metadata.name, version=metadata.version).first()
    if model is None:
        try:
            return _starter(model_take(Sent(folder)))
        except EngineError as error:
            raise InferenceError(f"Model “{metadata.name}”: {error}") from None
    source = source_path(folder)
    sent = {one["file"]: one["sha256"] for one in model.facts.get("original", [])}
    if sent.get(source.name) != file_sha256(source):
        changed = CHANGED.format(name=model.name, version=model.version)
        return model_quarantine(model=model, problem=changed)
    if model.state == ModelState.QUARANTINED and model.problem.endswith(CHANGED_END):
        model = model_readmit(model=model)
    return _starter(model)


def _starter(model: ModelVersion) -> ModelVersion:
    """Activate a checked model of the settings, as it comes with the installation."""
    is_new = model.state == ModelState.CHECKED and model.name in settings.STARTER_MODELS
    return model_activate(user=None, model=model) if is_new else model


@transaction.atomic
def _registered(folder: Path) -> ModelVersion:
    """Return the folder's row, made or checked anew. Raises InferenceError for bad metadata."""
    metadata = read_metadata(folder)
    facts = _facts(folder, metadata)
    model = ModelVersion.objects.filter(name=metadata.name, version=metadata.version).first()
    if model is not None and model.origin == ModelOrigin.STORE:
        raise InferenceError(
            f"Model “{model.name}” {model.version} was taken in already. A version never changes:"
            " give the folder's another `version`."
        )
    if model is None:
        model = ModelVersion.objects.create(**facts)
        audit.record(None, "model.register", model)
    elif not was_active(model):
        changed = any(getattr(model, name) != value for name, value in facts.items())
        ModelVersion.objects.filter(pk=model.pk).update(
            **facts, **({"signature": ""} if changed else {})
        )
        model.refresh_from_db()
    try:
        files_check(folder, model)
    except InferenceError as error:
        return model_quarantine(model=model, problem=str(error))
    _sign(model)
    return _served(model, metadata)


def _goldens_run(known: Iterable[ModelVersion]) -> list[str]:
    """Run the golden cases of folders that wait for a person; return what kept one from it.

    Starter models serve as they come: `run_golden` runs theirs when somebody asks.
    """
    problems = []
    for model in known:
        waits = model.origin == ModelOrigin.FOLDER and model.state == ModelState.CHECKED
        if waits and "golden" in model.metadata and "golden" not in model.facts:
            try:
                model_golden(model)
            except EngineError as error:
                problems.append(f"{model}: {error}")
    return problems


def _sign(model: ModelVersion) -> None:
    """Sign the entry of a folder whose files were just found to be what it says."""
    if not model.signature:
        model.signature = manifest_sign(model)
        ModelVersion.objects.filter(pk=model.pk).update(signature=model.signature)


def _store_checked(besides: set[Any]) -> set[Any]:
    """Look at every version of the store; return all of them. What is damaged is quarantined.

    Those of `besides` came from a folder that was just looked at: they are not let back in here.
    """
    seen: set[Any] = set()
    for model in ModelVersion.objects.filter(origin=ModelOrigin.STORE):
        seen.add(model.pk)
        if model.state in (ModelState.RETIRED, ModelState.DRAFT):
            continue
        try:
            files_check(folder_of(model), model)
        except InferenceError as error:
            model_quarantine(model=model, problem=str(error))
        else:
            golden = golden_problem(model.facts)
            if golden:
                model_quarantine(model=model, problem=golden)
            elif model.state == ModelState.QUARANTINED and model.pk not in besides:
                model_readmit(model=model)
    return seen


def _served(model: ModelVersion, metadata: ModelMetadata) -> ModelVersion:
    """Move a model whose files are right to the state it deserves."""
    is_gone = model.state == ModelState.RETIRED and not model.problem
    if is_gone or model.state == ModelState.ACTIVE:
        return model
    if problem := golden_problem(model.facts):
        return model_quarantine(model=model, problem=problem)
    if problem := why_not_ready(metadata):
        return model_draft(model=model, problem=problem)
    model = model_readmit(model=model)
    if model.name in settings.STARTER_MODELS:
        model = model_activate(user=None, model=model)
    return model


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


def files_check(folder: Path, model: ModelVersion) -> None:
    """Raise InferenceError unless the folder holds exactly what was registered."""
    if not folder.is_dir():
        raise InferenceError(MISSING)
    metadata = read_metadata(folder)
    verify_files(folder, metadata)
    facts = _facts(folder, metadata)
    if any(facts[name] != getattr(model, name) for name in ("version", "sha256", "metadata")):
        raise InferenceError(CHANGED.format(name=model.name, version=model.version))
    if problem := manifest_problem(model):
        raise InferenceError(f"Model “{model.name}” {model.version}: {problem}")


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
