"""What programs send to have images analysed, and how it becomes a choice of models."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from accounts.api.once import digest, key_of
from imaging.choices import ensembles_told
from imaging.forms import uuids
from imaging.models import Ensemble, EnsembleState, Fusion, Modality, ModelState, ModelVersion
from imaging.places import Place, places_of
from imaging.services.members import MemberChoice
from imaging.services.refusals import NotPossible


class Number(serializers.FloatField):
    """A float; a whole number that none can hold is refused like any other wrong one."""

    def to_internal_value(self, data) -> float:
        try:
            return super().to_internal_value(data)
        except OverflowError:
            self.fail("invalid")


class MemberRequest(serializers.Serializer):
    model = serializers.CharField(
        max_length=128, help_text="Name, `name@version` or id; by name the newest active version."
    )
    weight = Number(default=1.0)
    device = serializers.CharField(
        max_length=16, default="auto", help_text="auto, cpu, gpu, cuda or cuda:0"
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Two models on one upload",
            {
                "uploads": ["6c1f0d52-6a3b-4d0e-9a57-0d4c1c2b7a11"],
                "members": [
                    {"model": "xray-lungs-unet", "weight": 2, "device": "auto"},
                    {"model": "xray-lungs-segresnet@1.0.0", "device": "cpu"},
                ],
                "threshold": 0.5,
            },
            request_only=True,
        )
    ]
)
class RunRequest(serializers.Serializer):
    """Images by id, by study or by upload; an ensemble, or members with weights and devices."""

    images = serializers.ListField(child=serializers.UUIDField(), max_length=1000, default=list)
    studies = serializers.ListField(child=serializers.UUIDField(), max_length=1000, default=list)
    uploads = serializers.ListField(child=serializers.UUIDField(), max_length=100, default=list)
    ensemble = serializers.CharField(max_length=64, required=False, help_text="Name or id.")
    members = MemberRequest(many=True, required=False)
    threshold = Number(
        required=False, help_text="Unsaid: the ensemble's, else that of the heaviest member."
    )
    fusion = serializers.ChoiceField(choices=Fusion.choices, required=False)
    title = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class AnalyzeRequest(serializers.Serializer):
    """Files and models in one form; `weight` and `device`: none, one for all, or one a model."""

    file = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True), min_length=1, max_length=100
    )
    model_name = serializers.ListField(
        child=serializers.CharField(max_length=128), required=False, max_length=16,
        help_text="Name or `name@version`; repeat it for an ensemble.",
    )  # fmt: skip
    weight = serializers.ListField(child=Number(), required=False, max_length=16)
    device = serializers.ListField(
        child=serializers.CharField(max_length=16), required=False, max_length=16
    )
    ensemble = serializers.CharField(max_length=64, required=False, help_text="Name or id.")
    threshold = Number(required=False)
    fusion = serializers.ChoiceField(choices=Fusion.choices, required=False)
    department = serializers.UUIDField(required=False)


class UploadRequest(serializers.Serializer):
    """Files as the upload page takes them; each gets its own outcome."""

    file = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True), min_length=1, max_length=2000
    )
    modality = serializers.ChoiceField(
        choices=Modality.choices, required=False, help_text="For files that do not say; DICOM does."
    )
    first_volume = serializers.BooleanField(required=False, default=False)
    department = serializers.UUIDField(required=False, help_text="Unsaid: where you joined first.")


def place_meant(user, department: uuid.UUID | None) -> Place:
    """Return where new files go. Raises ValidationError for a department that is not theirs."""
    places = places_of(user, "upload.create")
    found = [one for one in places if department in (None, getattr(one.department, "pk", None))]
    if not found:
        raise ValidationError({"department": _("There is no such department for you.")})
    return found[0]


def choice_meant(user, sent: dict[str, Any]) -> dict[str, Any]:
    """Return members, threshold, fusion and ensemble as `run_submit` takes them.

    Raises ValidationError for both or neither of ensemble and members; NotPossible, in words,
    for what there is not.
    """
    asked = sent.get("members") or []
    if bool(asked) == ("ensemble" in sent):
        raise ValidationError({"members": _("Name an ensemble, or members: one of the two.")})
    ensemble = _ensemble(user, sent["ensemble"]) if "ensemble" in sent else None
    if ensemble is not None:
        members = [
            MemberChoice(one.model_version, one.weight, one.device)
            for one in ensemble.members.all()
        ]
    else:
        members = [
            MemberChoice(_model(one["model"]), one["weight"], _device(one["device"]))
            for one in asked
        ]
    heaviest = max(members, key=lambda one: one.weight).model_version
    return {
        "members": members,
        "threshold": sent.get("threshold", (ensemble or heaviest).threshold),
        "fusion": sent.get("fusion", ""),
        "ensemble": ensemble,
    }


def members_of_form(form: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the members of a form that repeats its fields; one weight or device is for all."""
    names = form.get("model_name") or []
    weights, devices = form.get("weight") or [1.0], form.get("device") or ["auto"]
    for field, values in (("weight", weights), ("device", devices)):
        if len(values) not in (1, len(names)):
            said = _("Give none, one, or one for each of the %(n)d models.") % {"n": len(names)}
            raise ValidationError({field: said})
    return [
        {"model": name, "weight": weights[at % len(weights)], "device": devices[at % len(devices)]}
        for at, name in enumerate(names)
    ]


def token_of(request: Request, sent: Any) -> tuple[str, str]:
    """Return what stands for the Idempotency-Key, and for key and body; "" without a key."""
    key = key_of(request)
    if not key:
        return "", ""
    body = json.dumps(sent, sort_keys=True, default=str)
    half = digest(key)[:32]
    return half, half + digest(body)[:32]


def _ensemble(user, wanted: str) -> Ensemble:
    """Return the approved ensemble of that id or name; one's own organisations' come first."""
    rows = ensembles_told(user).order_by("organisation", "created_at")
    found = [one for one in rows if wanted in (one.name, str(one.pk))]
    if not found:
        raise NotPossible(_("There is no ensemble named “%(name)s”.") % {"name": wanted[:64]})
    serving = [one for one in found if one.state == EnsembleState.APPROVED]
    if not serving:
        said = _("The ensemble “%(name)s” does not serve: it is %(state)s.")
        state = found[-1].get_state_display().lower()
        raise NotPossible(said % {"name": wanted[:64], "state": state})
    return min(serving, key=lambda one: one.organisation_id is None)


def _model(wanted: str) -> ModelVersion:
    name, _at, version = wanted.partition("@")
    active = ModelVersion.objects.filter(state=ModelState.ACTIVE)
    if pk := uuids([wanted]):
        rows: Sequence[ModelVersion] = list(active.filter(pk__in=pk))
    else:
        rows = list(active.filter(name=name, **({"version": version} if version else {})))
    if not rows:
        raise NotPossible(_("There is no active model named “%(name)s”.") % {"name": wanted[:64]})
    return max(rows, key=lambda one: (version_numbers(one.version), one.created_at))


def version_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("-")[0].split(".") if part.isdecimal())


def _device(wanted: str) -> str:
    return "cuda" + wanted[3:] if wanted[:3] == "gpu" else wanted
