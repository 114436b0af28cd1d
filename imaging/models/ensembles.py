"""Saved choices of models, proposed by one and approved by another."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from imaging.models.versions import ModelVersion


class Fusion(models.TextChoices):
    """How the members of an ensemble become one."""

    MEAN = "mean", _("Weighted mean")
    MAJORITY = "majority", _("Weighted majority vote")
    STAPLE = "staple", "STAPLE"


class EnsembleState(models.TextChoices):
    """A saved choice is a proposal until an administrator approves it; one of a name serves."""

    PROPOSED = "proposed", _("Proposed")
    APPROVED = "approved", _("Approved")
    DECLINED = "declined", _("Declined")
    REPLACED = "replaced", _("Replaced")


class Ensemble(models.Model):
    """A saved choice of members; without an organisation it came with models/ and is everyone's.

    A row never changes what it says: a change of an ensemble is a new row of the same name,
    proposed by one person, and serves once another has approved it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("organisation"),
    )
    name = models.CharField(_("name"), max_length=64)
    title = models.CharField(_("title"), max_length=200, blank=True)
    type = models.CharField(_("type"), max_length=16, default="segmentation")
    modalities = models.JSONField(_("modalities"), default=list)
    threshold = models.FloatField(_("threshold"), default=0.5)
    severity = models.JSONField(_("severity rule"), null=True, blank=True)
    fusion = models.CharField(_("joined by"), max_length=12, choices=Fusion, default=Fusion.MEAN)
    thresholds = models.JSONField(
        _("thresholds"),
        default=dict,
        blank=True,
        help_text=_("its own, by label, for classes and boxes"),
    )
    union = models.BooleanField(
        _("all labels"),
        default=False,
        help_text=_("classification: each label is averaged over who knows it"),
    )
    suggested = models.JSONField(
        _("suggested"),
        null=True,
        blank=True,
        help_text=_("weights and threshold that tune_ensemble proposed"),
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("proposed by"),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    number = models.PositiveSmallIntegerField(
        _("number"), default=1, help_text=_("its version under this name")
    )
    state = models.CharField(
        _("state"), max_length=12, choices=EnsembleState, default=EnsembleState.PROPOSED
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("none: the machine's operator, or it came with the house"),
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    reason = models.CharField(
        _("reason"), max_length=300, blank=True, help_text=_("why it was declined")
    )

    class Meta:
        ordering = ["name", "number"]
        verbose_name = _("ensemble")
        verbose_name_plural = _("ensembles")
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
    model_version = models.ForeignKey(
        ModelVersion, models.PROTECT, related_name="+", verbose_name=_("model version")
    )
    position = models.PositiveSmallIntegerField(_("place"))
    weight = models.FloatField(_("weight"), default=1)
    device = models.CharField(_("device"), max_length=16, default="auto")

    class Meta:
        ordering = ["position"]
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            models.UniqueConstraint(
                fields=["ensemble", "model_version"], name="ensemble_member_once"
            ),
            models.CheckConstraint(condition=Q(weight__gte=0), name="ensemble_member_weight"),
        ]

    def __str__(self) -> str:
        return f"{self.model_version} × {self.weight:g}"
