"""What the API says of runs, jobs and what they found."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from imaging.measures.numbers import mask_px
from imaging.models import (
    Job,
    Lesion,
    Measurement,
    Member,
    MemberOutcome,
    Result,
    ResultBox,
    ResultClass,
    Review,
    Run,
)


class MemberBody(serializers.ModelSerializer):
    model = serializers.CharField(source="model_version.name")
    version = serializers.CharField(source="model_version.version")
    share = serializers.FloatField(help_text="Weight over the sum of the weights.")

    class Meta:
        model = Member
        fields = ("model", "version", "weight", "share", "device")


class CountsBody(serializers.Serializer):
    """How many jobs stand where."""

    queued = serializers.IntegerField()
    running = serializers.IntegerField()
    succeeded = serializers.IntegerField()
    failed = serializers.IntegerField()
    cancelled = serializers.IntegerField()


class RunBody(serializers.ModelSerializer):
    fusion = serializers.SerializerMethodField(help_text="mean, majority or staple")
    members = MemberBody(many=True)
    jobs = CountsBody(source="*", help_text="Of the whole run.")
    is_finished = serializers.SerializerMethodField()
    skipped = serializers.ListField(
        child=serializers.DictField(), help_text="Images that were not taken, and why."
    )

    class Meta:
        model = Run
        fields = ("id", "organisation", "ensemble", "rule", "title", "threshold", "fusion",
                  "members", "jobs", "is_finished", "skipped", "created_at",
                  "cancelled_at")  # fmt: skip

    def get_fusion(self, run: Run) -> str:
        return run.frozen.get("fusion", "mean")

    def get_is_finished(self, run: Run) -> bool:
        return not (run.queued or run.running)


class JobBody(serializers.ModelSerializer):
    result = serializers.UUIDField(
        source="result_shown", allow_null=True, help_text="null: none yet, or not yours to see"
    )

    class Meta:
        model = Job
        fields = ("id", "run", "image", "status", "step", "steps_done", "steps_total", "error",
                  "attempt", "result", "created_at", "started_at", "finished_at")  # fmt: skip


class ClassBody(serializers.ModelSerializer):
    class Meta:
        model = ResultClass
        fields = ("label", "p", "spread", "threshold", "origin", "validated", "verdict", "n")


class BoxBody(serializers.ModelSerializer):
    """Half-open, in pixels of the image; `plane` counts from 0."""

    class Meta:
        model = ResultBox
        fields = ("name", "label", "score", "x0", "y0", "x1", "y1", "plane", "n")


class OutcomeBody(serializers.ModelSerializer):
    """One member: what was asked for, and where it ran."""

    model = serializers.CharField(source="member.model_version.name")
    version = serializers.CharField(source="member.model_version.version")
    weight = serializers.FloatField(source="member.weight")
    share = serializers.FloatField(source="member.share")
    device = serializers.CharField(source="member.device")

    class Meta:
        model = MemberOutcome
        fields = ("model", "version", "weight", "share", "device", "device_used", "fallback",
                  "load_ms", "run_ms", "area_px")  # fmt: skip


class GateCheckBody(serializers.Serializer):
    model = serializers.CharField(required=False)
    sentence = serializers.CharField(required=False)


class GateBody(serializers.Serializer):
    """What the input gate said: `pass`, `warn`, `refuse`, or empty from before it was asked."""

    verdict = serializers.CharField(source="gate_verdict")
    overridden = serializers.SerializerMethodField()
    checks = serializers.SerializerMethodField()

    def get_overridden(self, result: Result) -> bool:
        return bool(result.gate.get("overridden", False))

    @extend_schema_field(GateCheckBody(many=True))
    def get_checks(self, result: Result) -> list[dict[str, Any]]:
        return [
            {"model": one.get("model", ""), "sentence": one.get("sentence", "")}
            for one in result.gate.get("checks", [])
        ]


class ResultBody(serializers.ModelSerializer):
    """What the models say, at the saved threshold. Research use only, not for diagnostic use."""

    run = serializers.UUIDField(source="job.run_id")
    study = serializers.UUIDField(source="image.study_id")
    labels = serializers.ListField(child=serializers.CharField())
    said = serializers.CharField(help_text="What a list shows: 27.31 % of organ; 2 boxes.")
    affected_area_percent = serializers.SerializerMethodField()
    denominator = serializers.CharField(help_text="What the percentage is of.")
    is_analysed = serializers.BooleanField(help_text="false: the input gate refused")

    class Meta:
        model = Result
        fields = ("id", "job", "run", "image", "study", "patient", "type", "labels", "threshold",
                  "fusion", "said", "severity", "severity_reason", "affected_area_percent",
                  "denominator", "disagree", "is_analysed", "created_at")  # fmt: skip

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_affected_area_percent(self, result: Result) -> float | None:
        return None if result.area_hundredths is None else result.area_hundredths / 100


class ResultDetailBody(ResultBody):
    severity_rule = serializers.SerializerMethodField(help_text="Empty where there is none.")
    average_lesion_intensity = serializers.SerializerMethodField()
    circularity = serializers.SerializerMethodField()
    lesions = serializers.SerializerMethodField(help_text="How many; null where none are counted.")
    classes = ClassBody(many=True)
    boxes = BoxBody(many=True)
    members = OutcomeBody(many=True)
    gate = GateBody(source="*")
    maps = serializers.SlugRelatedField("name", many=True, read_only=True)

    class Meta(ResultBody.Meta):
        fields = (
            *ResultBody.Meta.fields, "severity_rule", "average_lesion_intensity", "circularity",
            "lesions", "classes", "boxes", "members", "gate", "maps",
        )  # fmt: skip

    @extend_schema_field(serializers.DictField())
    def get_severity_rule(self, result: Result) -> dict[str, Any]:
        return result.severity_rule

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_average_lesion_intensity(self, result: Result) -> float | None:
        return _at_saved(result, "average_intensity")

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_circularity(self, result: Result) -> float | None:
        return _at_saved(result, "circularity")

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_lesions(self, result: Result) -> int | None:
        return _at_saved(result, "lesions")


class LesionBody(serializers.ModelSerializer):
    facts = serializers.DictField(help_text="Its measures: area_px, centre, box and others.")

    class Meta:
        model = Lesion
        fields = ("position", "tracking_uid", "facts")


class MeasurementBody(serializers.ModelSerializer):
    """One number with all that gives it meaning; where `value` is null, `reason` says why."""

    class Meta:
        model = Measurement
        fields = ("name", "value", "reason", "unit", "scope", "denominator", "threshold", "rule")


class ThresholdBody(serializers.Serializer):
    """What the mask would measure at another threshold."""

    t = serializers.FloatField()
    level = serializers.IntegerField(help_text="In the mask where the map is at least this.")
    mask_px = serializers.SerializerMethodField(
        help_text="Pixels or voxels of the finding, the count of its area and its volume."
    )
    area_px = serializers.IntegerField(
        help_text="Those of them that lie in the denominator, the count of area_percent."
    )
    area_percent = serializers.FloatField(allow_null=True)
    volume_ml = serializers.FloatField(allow_null=True)
    average_intensity = serializers.FloatField(allow_null=True)
    circularity = serializers.FloatField(allow_null=True)
    lesions = serializers.IntegerField()
    severity = serializers.CharField()

    @extend_schema_field(serializers.IntegerField())
    def get_mask_px(self, row: dict[str, Any]) -> int:
        return mask_px(row)


class EditBody(ThresholdBody):
    """What an edit measures: at its threshold, or, t and level null, a mask of its reader's own."""

    t = serializers.FloatField(allow_null=True)
    level = serializers.IntegerField(allow_null=True)
    sphericity = serializers.FloatField(allow_null=True)


class ReviewBody(serializers.ModelSerializer):
    """One version of a reader's verdict; the highest number is the one that counts."""

    measures = EditBody(
        source="row",
        allow_null=True,
        help_text="Of an edit, instead of the result's; null while its mask is being measured.",
    )
    dice = serializers.FloatField(
        allow_null=True, help_text="Of an edit: how far its mask and that of the models are one."
    )
    author_name = serializers.CharField(source="author.name")
    removed = serializers.ListField(child=serializers.IntegerField())
    is_signed = serializers.BooleanField()

    class Meta:
        model = Review
        fields = ("id", "result", "number", "author", "author_name", "decision", "reason",
                  "comment", "amendment", "threshold", "removed", "measures", "dice", "problem",
                  "is_signed", "signed_by", "signed_at", "meaning", "created_at")  # fmt: skip


def _at_saved(result: Result, name: str) -> Any:
    return result.operating.get(name) if result.is_measured else None
