"""What a patient's identity was before somebody corrected it, under the patient's own key."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from accounts.vault.fields import SealedTextField

IDENTITY = ("name", "record_number", "birth_date", "sex")


class Correction(models.Model):
    """One version of an identity that no longer counts; `number` is the patient's version then."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, related_name="+", editable=False
    )
    patient = models.ForeignKey("imaging.Patient", models.CASCADE, related_name="corrections")
    number = models.PositiveIntegerField()
    name = SealedTextField(blank=True, default="")
    record_number = SealedTextField(blank=True, default="")
    birth_date = SealedTextField(blank=True, default="")
    sex = SealedTextField(blank=True, default="")
    corrected_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    corrected_at = models.DateTimeField()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "number"], name="correction_number_once")
        ]

    def __str__(self) -> str:
        return f"Version {self.number} of patient {self.patient_id}"

    @property
    def vault_patient_id(self) -> uuid.UUID:
        return self.patient_id
