"""What the engine answered: results, maps, lesions and measures."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy

from imaging.measures.size import area_text
from imaging.models.base import Clinical, blob_key
from imaging.models.ensembles import Fusion
from imaging.models.patients import Image, OfPatient, Patient
from imaging.models.runs import Job, Member


class Severity(models.TextChoices):
    LOW = "low", gettext_lazy("Low")
    MODERATE = "moderate", gettext_lazy("Moderate")
    HIGH = "high", gettext_lazy("High")
    NO_FINDING = "no finding", gettext_lazy("No finding")
    NOT_ASSESSED = "not assessed", gettext_lazy("Not assessed")


class GateVerdict(models.TextChoices):
    """What the input gate said, the worst of its checks."""

    PASS = "pass", gettext_lazy("Analysed")
    WARN = "warn", gettext_lazy("Analysed with a warning")
    REFUSE = "refuse", gettext_lazy("Not analysed")


class Result(OfPatient):
    """What a succeeded Job says, at the saved threshold and on the table of others.

    `table` is the threshold table of MEASURES §3 (rows as imaging.measures
    writes them); the row of `threshold` is the one that counts. A stored
    result is never changed. Classes and boxes have rows of their own instead, and where the
    input gate refused there is neither: `is_analysed` says so.
    """

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    job = models.OneToOneField(Job, models.PROTECT, related_name="result")
    image = models.ForeignKey(Image, models.PROTECT, related_name="results")
    type = models.CharField(max_length=16, default="segmentation")
    labels = models.JSONField(default=list)
    threshold = models.FloatField()
    level = models.PositiveSmallIntegerField(help_text="in the mask iff map >= level")
    severity = models.CharField(max_length=16, choices=Severity)
    severity_reason = models.CharField(max_length=300)
    severity_rule = models.JSONField()
    area_hundredths = models.PositiveIntegerField(null=True)
    intensity_range = models.JSONField(null=True)
    table = models.JSONField()
    ranges = models.JSONField(
        null=True,
        help_text="MEASURES §4, bands; null where they were not kept yet",
    )
    slices = models.JSONField(
        null=True,
        help_text="of a volume: for the slices of each axis their pixels and highest level",
    )
    agreement = models.JSONField(null=True)
    disagree = models.BooleanField(default=False)
    headline = models.CharField(
        max_length=200, blank=True, help_text="what lists show where it is no area"
    )
    fusion = models.CharField(max_length=12, choices=Fusion, default=Fusion.MEAN)
    decision = models.JSONField(default=dict, help_text="thresholds and overlaps that decided")
    gate = models.JSONField(default=dict, help_text="MEASURES §14; empty: from before the gate")
    gate_verdict = models.CharField(max_length=8, choices=GateVerdict, blank=True)
    timings = models.JSONField(default=dict)
    versions = models.JSONField(default=dict)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["organisation", "-created_at", "-id"]),
            models.Index(fields=["image", "-created_at"]),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(level__gte=1) & Q(level__lte=255), name="result_level"
            ),
            models.CheckConstraint(
                condition=Q(type="segmentation") | Q(severity=Severity.NOT_ASSESSED),
                name="result_severity_of_masks_only",
            ),
        ]

    def __str__(self) -> str:
        return f"Result {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("imaging:result-detail", args=[self.pk])

    @property
    def area_text(self) -> str:
        """The affected area as people read it, without the table: 27.31 %, <0.01 %, —."""
        if self.area_hundredths is None:
            return "—"
        return area_text(self.area_hundredths, px=int(self.severity != Severity.NO_FINDING))

    @property
    def denominator(self) -> str:
        return self.severity_rule.get("denominator") or self.severity_rule.get("basis", "")

    @property
    def said(self) -> str:
        """What a list shows: 27.31 % of organ; tuberculosis 0.87; 2 boxes; not analysed."""
        return self.headline or f"{self.area_text} of {self.denominator}"

    @property
    def is_analysed(self) -> bool:
        """False where the input gate refused and nobody set that aside: there are no numbers."""
        return self.gate_verdict != GateVerdict.REFUSE or self.gate.get("overridden", False)

    @property
    def is_measured(self) -> bool:
        """Whether there is a map with a threshold table."""
        return bool(self.table)

    @property
    def operating(self) -> dict:
        """The row of the saved threshold."""
        return next(row for row in self.table if row["level"] == self.level)


class ResultMap(Clinical):
    """One uint8 map on the image's grid: ensemble, disagreement, a member's, a label's."""

    result = models.ForeignKey(Result, models.CASCADE, related_name="maps")
    name = models.CharField(max_length=80, help_text="ensemble, disagreement, member-0, label-0")
    blob = blob_key()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["result", "name"], name="result_map_name_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.result_id}"


class MemberOutcome(Clinical):
    """How one member of the run fared on this image."""

    result = models.ForeignKey(Result, models.CASCADE, related_name="members")
    member = models.ForeignKey(Member, models.PROTECT, related_name="outcomes")
    device_used = models.CharField(max_length=16, blank=True, help_text="blank: not run")
    fallback = models.CharField(max_length=300, blank=True)
    load_ms = models.FloatField(default=0)
    run_ms = models.FloatField(default=0)
    area_px = models.PositiveBigIntegerField(null=True)

    class Meta:
        ordering = ["member__position"]
        constraints = [
            models.UniqueConstraint(fields=["result", "member"], name="member_outcome_once")
        ]

    def __str__(self) -> str:
        return f"Outcome of {self.member_id}"


class Lesion(Clinical):
    """One connected region at the saved threshold; `facts` as imaging.measures writes them."""

    result = models.ForeignKey(Result, models.CASCADE, related_name="lesions")
    position = models.PositiveIntegerField()
    tracking_uid = models.CharField(max_length=64)
    facts = models.JSONField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["result", "position"], name="lesion_position_once")
        ]

    def __str__(self) -> str:
        return f"L{self.position} of {self.result_id}"


class Measurement(Clinical):
    """One number of a result at its saved threshold, with all that gives it meaning."""

    result = models.ForeignKey(Result, models.CASCADE, related_name="measurements")
    name = models.CharField(max_length=64)
    value = models.FloatField(null=True)
    reason = models.CharField(max_length=200, blank=True, help_text="why there is no value")
    unit = models.CharField(max_length=32, blank=True)
    scope = models.CharField(max_length=16, default="image")
    denominator = models.CharField(max_length=32, blank=True)
    threshold = models.FloatField()
    rule = models.CharField(max_length=64)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["result", "name", "scope"], name="measurement_name_once"
            ),
            models.CheckConstraint(
                condition=Q(value__isnull=False) | ~Q(reason=""), name="measurement_null_explained"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} = {self.value}"
