"""Who may see a patient beyond their role: assignments and emergency access."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.timezone import now
from django.utils.translation import gettext_lazy

from accounts.vault.fields import SealedTextField
from imaging.models.base import Clinical
from imaging.models.patients import OfPatient, Patient


class Assignment(Clinical):
    """A patient is given to a clinician; it ends by deletion, the trail remembers it."""

    patient = models.ForeignKey(Patient, models.CASCADE, related_name="assignments")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="assignments")
    assigned_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["user", "patient"], name="assignment_once")]

    def __str__(self) -> str:
        return f"Assignment {self.pk}"


class Verdict(models.TextChoices):
    APPROVED = "approved", gettext_lazy("Approved")
    OBJECTED = "objected", gettext_lazy("Objected")


GLASS_OPEN = timedelta(minutes=60)


class BreakGlass(OfPatient):
    """An emergency access to one patient: opened for an hour, told, and reviewed afterwards."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = SealedTextField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True, help_text="given back early")
    verdict = models.CharField(max_length=16, choices=Verdict, blank=True)
    comment = SealedTextField(blank=True, default="")
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-opened_at"]
        indexes = [
            models.Index(fields=["user", "-opened_at"]),
            models.Index(fields=["organisation", "verdict", "-opened_at"]),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict="", reviewed_by=None, reviewed_at=None)
                | Q(verdict__in=Verdict.values, reviewed_by__isnull=False,
                    reviewed_at__isnull=False),
                name="break_glass_reviewed_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(reviewed_by=None) | ~Q(reviewed_by=models.F("user")),
                name="break_glass_not_reviewed_by_oneself",
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None) | Q(closed_at__gte=models.F("opened_at")),
                name="break_glass_closed_after_opened",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"Emergency access {self.pk}"

    @property
    def ends_at(self) -> datetime:
        return self.opened_at + GLASS_OPEN

    @property
    def minutes_left(self) -> int:
        return max(0, math.ceil((self.ends_at - now()).total_seconds() / 60))
