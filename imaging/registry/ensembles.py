"""models/ensembles/*.json ↔ the ensembles that are everybody's."""

from __future__ import annotations

from pathlib import Path

from django.db import transaction

from imaging.inference.ensembles import EnsembleFile, ensemble_names, read_ensemble
from imaging.models import Ensemble, EnsembleMember, EnsembleState, ModelVersion
from imaging.types import InferenceError


def ensembles_sync(root: Path, problems: list[str]) -> list[str]:
    """Make the built-in ensembles what their files say; return their names.

    A file that cannot be used adds its sentence to `problems`. What was run
    stays as it was: a run keeps its own frozen copy.
    """
    kept = []
    for name in ensemble_names(root):
        try:
            file = read_ensemble(root, name)
            _store(file, _members(file))
        except InferenceError as error:
            problems.append(str(error))
        else:
            kept.append(name)
    Ensemble.objects.filter(organisation=None).exclude(name__in=kept).delete()
    return kept


def _members(file: EnsembleFile) -> list[EnsembleMember]:
    return [
        EnsembleMember(
            model_version=_model(file, member.model, member.version),
            position=position,
            weight=member.weight,
            device=member.device,
        )
        for position, member in enumerate(file.members)
    ]


def _model(file: EnsembleFile, name: str, version: str) -> ModelVersion:
    found = ModelVersion.objects.filter(name=name)
    model = (found.filter(version=version) if version else found.order_by("-created_at")).first()
    if model is None:
        raise InferenceError(
            f"Ensemble “{file.name}”: there is no model “{name}” {version}".rstrip() + "."
        )
    return model


@transaction.atomic
def _store(file: EnsembleFile, members: list[EnsembleMember]) -> None:
    ensemble, _new = Ensemble.objects.update_or_create(
        organisation=None,
        name=file.name,
        defaults={
            "state": EnsembleState.APPROVED,  # what lies in models/ is the installer's word
            "title": file.title,
            "type": file.type,
            "modalities": list(file.modality),
            "threshold": file.threshold,
            "severity": dict(file.severity) if file.severity else None,
            "fusion": file.fusion,
            "thresholds": dict(file.thresholds),
            "union": file.union,
            "suggested": dict(file.suggested) if file.suggested else None,
        },
    )
    if _facts(ensemble.members.all()) == _facts(members):
        return
    ensemble.members.all().delete()
    for member in members:
        member.ensemble = ensemble
    EnsembleMember.objects.bulk_create(members)


def _facts(members) -> list[tuple]:
    return [(one.model_version_id, one.position, one.weight, one.device) for one in members]
