"""What the API says of images, models and ensembles."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from imaging.models import (
    Ensemble,
    EnsembleMember,
    Image,
    ModelVersion,
    Series,
    Study,
    Upload,
    UploadItem,
)


class StudyBody(serializers.ModelSerializer):
    class Meta:
        model = Study
        fields = ("id", "organisation", "department", "patient", "modality", "title",
                  "study_instance_uid", "created_at", "updated_at")  # fmt: skip


class SeriesBody(serializers.ModelSerializer):
    class Meta:
        model = Series
        fields = ("id", "study", "patient", "series_instance_uid", "description", "created_at")


class ImageBody(serializers.ModelSerializer):
    """One picture or one whole volume, on one grid; axes run (Z, Y, X)."""

    spacing_mm = serializers.SerializerMethodField(
        help_text="Distance of pixel centres along z, y, x; null where the file does not say."
    )
    unit = serializers.SerializerMethodField(help_text="HU, or stored value.")
    warnings = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Image
        fields = ("id", "study", "series", "patient", "modality", "dicom_modality",
                  "sop_instance_uid", "depth", "height", "width", "dtype", "spacing_mm", "unit",
                  "warnings", "created_at")  # fmt: skip

    @extend_schema_field(serializers.ListField(child=serializers.FloatField(), allow_null=True))
    def get_spacing_mm(self, image: Image) -> Any:
        return image.facts.get("spacing_mm")

    def get_unit(self, image: Image) -> str:
        return image.facts.get("unit", "stored value")


class UploadItemBody(serializers.ModelSerializer):
    """What became of one sent file; `reason` says in words why it was refused, and the remedy."""

    class Meta:
        model = UploadItem
        fields = ("position", "name", "size", "status", "code", "reason", "image")


class UploadBody(serializers.ModelSerializer):
    reading = serializers.BooleanField(source="is_live", help_text="Whether files still wait.")

    class Meta:
        model = Upload
        fields = ("id", "organisation", "department", "modality", "reading", "created_at",
                  "finished_at")  # fmt: skip


class UploadDetailBody(UploadBody):
    items = UploadItemBody(many=True)

    class Meta(UploadBody.Meta):
        fields = (*UploadBody.Meta.fields, "items")


class ModelBody(serializers.ModelSerializer):
    modalities = serializers.ListField(child=serializers.CharField())
    labels = serializers.ListField(child=serializers.CharField())
    input_shape = serializers.SerializerMethodField(help_text="null: any size")
    card = serializers.SerializerMethodField(help_text="Intended use, data, limits, licence.")

    class Meta:
        model = ModelVersion
        fields = ("id", "name", "version", "type", "framework", "modalities", "labels",
                  "threshold", "state", "problem", "input_shape", "card", "created_at")  # fmt: skip

    @extend_schema_field(
        serializers.ListField(child=serializers.IntegerField(allow_null=True), allow_null=True)
    )
    def get_input_shape(self, model: ModelVersion) -> Any:
        return model.metadata.get("input_shape")

    @extend_schema_field(serializers.DictField())
    def get_card(self, model: ModelVersion) -> dict[str, Any]:
        return model.metadata.get("card", {})


class EnsembleMemberBody(serializers.ModelSerializer):
    model = serializers.CharField(source="model_version.name")
    version = serializers.CharField(source="model_version.version")

    class Meta:
        model = EnsembleMember
        fields = ("model", "version", "weight", "device")


class EnsembleBody(serializers.ModelSerializer):
    organisation = serializers.UUIDField(
        source="organisation_id", allow_null=True, help_text="null: it came with the house"
    )
    modalities = serializers.ListField(child=serializers.CharField())
    members = EnsembleMemberBody(many=True)

    class Meta:
        model = Ensemble
        fields = ("id", "name", "number", "state", "title", "organisation", "type", "modalities",
                  "threshold", "fusion", "members", "created_at")  # fmt: skip
