"""What the lists of the API may be asked for."""

from __future__ import annotations

from rest_framework import serializers

from accounts.api.pages import ListQuery
from imaging.layers import LAYERS
from imaging.models import Decision, EnsembleState, JobStatus, Modality, ModelState, Severity
from imaging.palettes import PALETTES


class Since(ListQuery):
    created_after = serializers.DateTimeField(required=False)
    created_before = serializers.DateTimeField(required=False)


class StudyQuery(Since):
    modality = serializers.ChoiceField(choices=Modality.choices, required=False)
    patient = serializers.UUIDField(required=False)
    study_instance_uid = serializers.CharField(required=False, max_length=64)


class SeriesQuery(ListQuery):
    study = serializers.UUIDField(required=False)


class ImageQuery(Since):
    study = serializers.UUIDField(required=False)
    series = serializers.UUIDField(required=False)
    modality = serializers.ChoiceField(choices=Modality.choices, required=False)
    sop_instance_uid = serializers.CharField(required=False, max_length=64)


class ModelQuery(ListQuery):
    name = serializers.CharField(required=False, max_length=64)
    state = serializers.ChoiceField(choices=ModelState.choices, required=False)


class EnsembleQuery(ListQuery):
    name = serializers.CharField(required=False, max_length=64)
    state = serializers.ChoiceField(choices=EnsembleState.choices, required=False)


class JobQuery(ListQuery):
    run = serializers.UUIDField(required=False)
    image = serializers.UUIDField(required=False)
    status = serializers.ChoiceField(choices=JobStatus.choices, required=False)


class ResultQuery(Since):
    run = serializers.UUIDField(required=False)
    image = serializers.UUIDField(required=False)
    study = serializers.UUIDField(required=False)
    severity = serializers.ChoiceField(choices=Severity.choices, required=False)


class ReviewQuery(ListQuery):
    result = serializers.UUIDField(required=False)
    decision = serializers.ChoiceField(choices=Decision.choices, required=False)


class MaskQuery(serializers.Serializer):
    kind = serializers.ChoiceField(
        choices=["png", "nii.gz"],
        required=False,
        help_text="Unsaid: a PNG of a picture, a NIfTI of a volume.",
    )


class CutQuery(serializers.Serializer):
    t = serializers.FloatField(
        required=False, min_value=0, max_value=1,
        help_text="One of the result's thresholds; unsaid: the saved one.",
    )  # fmt: skip


class OverlayQuery(CutQuery):
    """What the picture shows; unsaid, as the page opens."""

    layer = serializers.ChoiceField(choices=LAYERS, required=False, default="outline")
    plane = serializers.CharField(
        required=False, max_length=16, help_text="axial, coronal or sagittal"
    )
    slice = serializers.IntegerField(required=False, min_value=1, max_value=100_000)
    map = serializers.CharField(required=False, max_length=64, help_text="As `maps` names them.")
    palette = serializers.ChoiceField(choices=list(PALETTES), required=False)
    opacity = serializers.IntegerField(required=False, min_value=0, max_value=100)


WHERE = {  # the name behind the question mark: the look-up
    "created_after": "created_at__gt",
    "created_before": "created_at__lt",
}


def narrowed(rows, asked: dict, **where: str):
    """Return those of `rows` that were asked for; `where` names look-ups that differ."""
    places = WHERE | where
    plain = set(ListQuery().fields)
    return rows.filter(
        **{places.get(name, name): value for name, value in asked.items() if name not in plain}
    )
