"""Which models and ensembles a person may choose for these images, and why not the others."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.selectors import organisations_of
from imaging.models import (
    Ensemble,
    EnsembleMember,
    EnsembleState,
    Image,
    Modality,
    ModelState,
    ModelVersion,
)

TYPES_SHOWN = {"segmentation", "classification", "detection"}  # what the result page can show
PROPOSALS = 20

_ORDER = {"segmentation": 0, "classification": 1, "detection": 2}


def models_listed(images: Sequence[Image]) -> list[tuple[ModelVersion, str]]:
    """Return every registered model with "" or the reason why it does not fit `images`."""
    modalities = {image.modality for image in images}
    models = models_registered().order_by("name", "-version")
    listed = [(model, _reason(model, modalities, images)) for model in models]
    return sorted(listed, key=lambda pair: (bool(pair[1]), _ORDER.get(pair[0].type, 9)))


def models_registered() -> QuerySet[ModelVersion]:
    """Every version of every model but the retired."""
    return ModelVersion.objects.exclude(state=ModelState.RETIRED)


def ensembles_visible_to(user, images: Sequence[Image]) -> list[Ensemble]:
    """Return the saved ensembles of `user`'s organisations and the built-in ones that fit."""
    modalities = {image.modality for image in images}
    found = ensembles_open_to(user).order_by("organisation", "name")
    return [one for one in found if modalities <= set(one.modalities)]


def ensembles_fitting(user, images: Sequence[Image]) -> list[Ensemble]:
    """Return those of `ensembles_visible_to` whose every model serves and fits `images`.

    For volumes alone those that read volumes come first: a slice says less.
    """
    modalities = {image.modality for image in images}
    fitting = [
        one
        for one in ensembles_visible_to(user, images)
        if not any(_reason(m.model_version, modalities, images) for m in one.members.all())
    ]
    if images and all(image.depth > 1 for image in images):
        fitting.sort(key=lambda one: not _reads_volumes(one.members.all()[0].model_version))
    return fitting


def ensembles_open_to(user) -> QuerySet[Ensemble]:
    """Return the approved ensembles of `user`'s organisations and the built-in ones, with members.

    These are what a run may take.
    """
    return ensembles_told(user).filter(state=EnsembleState.APPROVED)


def ensembles_told(user) -> QuerySet[Ensemble]:
    """Return the same with those that wait, were declined or have been replaced."""
    members = EnsembleMember.objects.select_related("model_version")
    return Ensemble.objects.filter(
        Q(organisation=None) | Q(organisation__in=organisations_of(user))
    ).prefetch_related(Prefetch("members", members))


def proposals_of(user) -> list[Ensemble]:
    """Return what `user` proposed and what became of it, the newest first; no replaced ones."""
    mine = ensembles_told(user).filter(created_by=user).exclude(state=EnsembleState.REPLACED)
    return list(mine.exclude(state=EnsembleState.APPROVED).order_by("-created_at")[:PROPOSALS])


def ensemble_meant(
    user, pk: str, *, members: Sequence, threshold: float, fusion: str = ""
) -> Ensemble | None:
    """Return the saved ensemble `pk` if members, threshold and fusion are still its own."""
    for one in ensembles_visible_to(user, []):
        if str(one.pk) != pk or one.threshold != threshold or one.fusion != (fusion or one.fusion):
            continue
        saved = {(m.model_version_id, m.weight, m.device) for m in one.members.all()}
        if saved == {(m.model_version.pk, m.weight, m.device) for m in members}:
            return one
    return None


def _reason(model: ModelVersion, modalities: set[str], images: Sequence[Image]) -> str:
    if model.state == ModelState.QUARANTINED:
        return model.problem
    if model.state != ModelState.ACTIVE:
        return _("Not activated yet: an administrator does that in the registry.")
    if model.type not in TYPES_SHOWN:
        return _("It does %(type)s, which is not run here.") % {"type": model.type}
    wrong = modalities - set(model.modalities)
    if wrong:
        return _("It was made for %(own)s, and a chosen image is %(other)s.") % {
            "own": _names(model.modalities),
            "other": _names(sorted(wrong)),
        }
    if _reads_volumes(model) and any(image.depth == 1 for image in images):
        return _("It reads volumes, and a chosen image is a single picture.")
    return ""


def _reads_volumes(model: ModelVersion) -> bool:
    """Say whether its network takes (batch, channel, Z, Y, X)."""
    return len(model.metadata.get("input_shape", [])) == 5


def _names(modalities: Sequence[str]) -> str:
    labels = dict(Modality.choices)
    return ", ".join(str(labels.get(one, one)) for one in modalities)
