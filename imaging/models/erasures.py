"""A patient's erasure: asked for by one administrator, approved by another, done once."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy


class ErasureReason(models.TextChoices):
    """Why; no free text, which would bring back whom it is about."""

    ASKED = "asked", gettext_lazy("The patient asked for it")
    ORDERED = "ordered", gettext_lazy("A court or authority ordered it")
    EXPIRED = "expired", gettext_lazy("The time of keeping is over")
    MISTAKE = "mistake", gettext_lazy("The record should never have been here")


class Erasure(models.Model):
    """One request; `patient_id` is a random id that outlives the patient's row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, related_name="+")
    patient_id = models.UUIDField(editable=False)
    reason = models.CharField(max_length=16, choices=ErasureReason)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    done_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient_id"],
                condition=Q(withdrawn_at=None),
                name="erasure_once_per_patient",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=F("requested_by")),
                name="erasure_by_two_people",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None, done_at=None)
                | Q(approved_by__isnull=False, done_at__isnull=False, withdrawn_at=None),
                name="erasure_done_iff_approved",
            ),
        ]

    def __str__(self) -> str:
        return f"Erasure {self.pk}"

    @property
    def vault_patient_id(self) -> uuid.UUID:
        return self.patient_id

    @property
    def is_open(self) -> bool:
        return self.done_at is None and self.withdrawn_at is None
