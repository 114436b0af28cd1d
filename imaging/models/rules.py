"""What is analysed by itself: rules for new images, and what became of each image that fits."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from imaging.models.base import Clinical, Modality, department_key

BODY_PART = 16  # characters of a DICOM code string


class Rule(Clinical):
    """Every new image of this kind, of this department, is analysed by this ensemble.

    ensemble    one version; what serves under its name when an image comes is what runs.
    body_part   Body Part Examined (0018,0015) in capitals; blank: any.
    removed_at  the row stays, since runs say which rule started them.
    """

    name = models.CharField(max_length=100)
    department = department_key()
    modality = models.CharField(max_length=8, choices=Modality)
    body_part = models.CharField(max_length=BODY_PART, blank=True)
    ensemble = models.ForeignKey(
        "imaging.Ensemble", models.SET_NULL, null=True, blank=True, related_name="rules"
    )
    is_on = models.BooleanField(default=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "name"],
                condition=Q(removed_at=None),
                name="rule_name_once",
            ),
            models.CheckConstraint(
                condition=Q(removed_at=None) | Q(is_on=False), name="rule_removed_is_off"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("imaging:rule-detail", args=[self.pk])

    @property
    def state(self) -> str:
        return "active" if self.is_on else "off"

    @property
    def kind(self) -> str:
        """What it is for, in words: the modality, the body part."""
        return " · ".join(filter(None, (str(self.get_modality_display()), self.body_part)))


class RuleMatch(Clinical):
    """One image that fits one rule: open until its upload is read, then with a run or a reason.

    Made in the transaction that stores the image, and one for each rule and image: however often
    something is delivered, the rule looks at an image once.
    """

    rule = models.ForeignKey(Rule, models.CASCADE, related_name="matches", editable=False)
    image = models.ForeignKey("imaging.Image", models.CASCADE, related_name="+", editable=False)
    upload = models.ForeignKey("imaging.Upload", models.CASCADE, related_name="+", editable=False)
    run = models.ForeignKey(
        "imaging.Run", models.SET_NULL, null=True, related_name="+", editable=False
    )
    problem = models.CharField(max_length=500, blank=True, editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "rule matches"
        indexes = [
            models.Index(fields=["closed_at", "created_at"]),
            models.Index(fields=["rule", "-created_at"]),
        ]
        constraints = [
            models.UniqueConstraint(fields=["rule", "image"], name="rule_match_once"),
            models.CheckConstraint(
                condition=Q(closed_at=None, run=None, problem="") | Q(closed_at__isnull=False),
                name="rule_match_open_without_an_end",
            ),
            models.CheckConstraint(
                condition=Q(run=None) | Q(problem=""), name="rule_match_one_end"
            ),
        ]

    def __str__(self) -> str:
        return f"Match {self.pk} of rule {self.rule_id}"
