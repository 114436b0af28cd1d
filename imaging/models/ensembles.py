"""Saved choices of models, proposed by one and approved by another."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy

from imaging.models.versions import ModelVersion


class Fusion(models.TextChoices):
    """How the members of an ensemble become one."""

    MEAN = "mean", gettext_lazy("Weighted mean")
    MAJORITY = "majority", gettext_lazy("Weighted majority vote")
    STAPLE = "staple", "STAPLE"


class EnsembleState(models.TextChoices):
    """A saved choice is a proposal until an administrator approves it; one of a name serves."""

    PROPOSED = "proposed", gettext_lazy("Proposed")
    APPROVED = "approved", gettext_lazy("Approved")
    DECLINED = "declined", gettext_lazy("Declined")
    REPLACED = "replaced", gettext_lazy("Replaced")


class Ensemble(models.Model):
    """A saved choice of members; without an organisation it came with models/ and is everyone's.

    A row never changes what it says: a change of an ensemble is a new row of the same name,
    proposed by one person, and serves once another has approved it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", models.CASCADE, null=True, blank=True, related_name="+"
    )
    name = models.CharField(max_length=64)
    title = models.CharField(max_length=200, blank=True)
    type = models.CharField(max_length=16, default="segmentation")
    modalities = models.JSONField(default=list)
    threshold = models.FloatField(default=0.5)
    severity = models.JSONField(null=True, blank=True)
    fusion = models.CharField(max_length=12, choices=Fusion, default=Fusion.MEAN)
    thresholds = models.JSONField(
        default=dict, blank=True, help_text="its own, by label, for classes and boxes"
    )
    union = models.BooleanField(
        default=False, help_text="classification: each label is averaged over who knows it"
    )
    suggested = models.JSONField(
        null=True, blank=True, help_text="weights and threshold that tune_ensemble proposed"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    number = models.PositiveSmallIntegerField(default=1, help_text="its version under this name")
    state = models.CharField(max_length=12, choices=EnsembleState, default=EnsembleState.PROPOSED)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="none: the machine's operator, or it came with the house",
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="why it was declined")

    class Meta:
        ordering = ["name", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "name"],
                condition=Q(organisation__isnull=False, state="approved"),
                name="ensemble_name_once",
            ),
            models.UniqueConstraint(
                fields=["organisation", "name"],
                condition=Q(organisation__isnull=False, state="proposed"),
                name="ensemble_one_proposal",
            ),
            models.UniqueConstraint(
                fields=["organisation", "name", "number"],
                condition=Q(organisation__isnull=False),
                name="ensemble_number_once",
            ),
            models.CheckConstraint(
                condition=Q(organisation__isnull=False) | Q(state="approved"),
                name="ensemble_builtin_serves",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | Q(created_by=None) | ~Q(decided_by=F("created_by")),
                name="ensemble_by_two_people",
            ),
            models.CheckConstraint(
                condition=~Q(state="proposed") | Q(decided_by=None, decided_at=None),
                name="ensemble_proposed_is_open",
            ),
            models.CheckConstraint(
                condition=Q(state="declined") & ~Q(reason="") | ~Q(state="declined") & Q(reason=""),
                name="ensemble_declined_says_why",
            ),
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(organisation__isnull=True),
                name="ensemble_builtin_name_once",
            ),
            models.CheckConstraint(
                condition=Q(threshold__gt=0) & Q(threshold__lte=1), name="ensemble_threshold"
            ),
            models.CheckConstraint(
                condition=~Q(fusion="staple") | Q(type="segmentation"), name="ensemble_staple"
            ),
        ]

    def __str__(self) -> str:
        name = self.title or self.name
        return f"{name} v{self.number}" if self.number > 1 else name


class EnsembleMember(models.Model):
    """One model of a saved ensemble with its weight and device."""

    ensemble = models.ForeignKey(Ensemble, models.CASCADE, related_name="members")
    model_version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    weight = models.FloatField(default=1)
    device = models.CharField(max_length=16, default="auto")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["ensemble", "model_version"], name="ensemble_member_once"
            ),
            models.CheckConstraint(condition=Q(weight__gte=0), name="ensemble_member_weight"),
        ]

    def __str__(self) -> str:
        return f"{self.model_version} × {self.weight:g}"
