"""The models and ensembles that a client may ask, as MONAI Label names and describes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from imaging.api.asking import version_numbers
from imaging.choices import TYPES_SHOWN, ensembles_open_to
from imaging.models import Ensemble, Fusion, Modality, ModelState, ModelVersion
from imaging.places import Place
from imaging.selectors import models_choosable
from imaging.services.members import MemberChoice

VOLUME_AXES = 5  # (batch, channel, Z, Y, X)


@dataclass(frozen=True, slots=True)
class Offer:
    """One name that a client may ask. `choice` is what `run_submit` takes."""

    name: str
    type: str
    labels: tuple[str, ...]
    modalities: tuple[str, ...]
    dimension: int
    description: str
    choice: dict[str, Any]

    def told(self) -> dict[str, Any]:
        """Return it as /info/ tells it."""
        return {
            "type": self.type,
            "labels": list(self.labels),
            "dimension": self.dimension,
            "description": self.description,
            "config": {},
        }


def offers_to(user, place: Place) -> dict[str, Offer]:
    """Return by name each model's newest serving version, and the ensembles of the place."""
    offers: dict[str, Offer] = {}
    serving = models_choosable().filter(type__in=TYPES_SHOWN)
    for model in sorted(serving, key=lambda one: (version_numbers(one.version), one.created_at)):
        offers[model.name] = _of_model(model)  # the newest comes last
    for ensemble in ensembles_open_to(user).order_by("created_at"):
        if ensemble.organisation_id in (None, place.organisation.pk) and _serves(ensemble):
            name = _name(ensemble, offers)
            offers[name] = _of_ensemble(name, ensemble)
    return dict(sorted(offers.items()))


def _of_model(model: ModelVersion) -> Offer:
    choice = {
        "members": [MemberChoice(model, 1.0, "auto")],
        "threshold": model.threshold,
        "fusion": Fusion.MEAN,
        "ensemble": None,
    }
    return _offer(model.name, model, f"{model}", model.modalities, choice)


def _of_ensemble(name: str, ensemble: Ensemble) -> Offer:
    members = [MemberChoice(m.model_version, m.weight, m.device) for m in ensemble.members.all()]
    choice = {
        "members": members,
        "threshold": ensemble.threshold,
        "fusion": ensemble.fusion,
        "ensemble": ensemble,
    }
    heaviest = max(members, key=lambda one: one.weight).model_version
    models = " + ".join(str(one.model_version) for one in members)
    described = _("%(ensemble)s, an ensemble of %(models)s") % {
        "ensemble": ensemble, "models": models
    }  # fmt: skip
    return _offer(name, heaviest, described, ensemble.modalities, choice)


def _offer(
    name: str, model: ModelVersion, described: str, modalities: Sequence[str], choice: dict
) -> Offer:
    words = dict(Modality.choices)
    kinds = ", ".join(str(words.get(one, one)) for one in modalities)
    return Offer(
        name=name,
        type=model.type,
        labels=tuple(model.labels),
        modalities=tuple(modalities),
        dimension=3 if len(model.metadata.get("input_shape", ())) == VOLUME_AXES else 2,
        description=_("%(model)s, for %(kinds)s") % {"model": described, "kinds": kinds},
        choice=choice,
    )


def _serves(ensemble: Ensemble) -> bool:
    models = [one.model_version for one in ensemble.members.all()]
    return bool(models) and all(
        one.state == ModelState.ACTIVE and one.type in TYPES_SHOWN for one in models
    )


def _name(ensemble: Ensemble, taken: dict[str, Offer]) -> str:
    """A name that a client may write into an address as it stands: no blank, no slash."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", ensemble.name).strip("-") or "ensemble"
    return f"{name}-{ensemble.pk.hex[:8]}" if name in taken else name
