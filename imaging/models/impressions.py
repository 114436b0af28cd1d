"""What a reader saw in a picture before they were sent what the models say."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from accounts.vault.fields import SealedTextField


class Impression(models.Model):
    """The words of one reader on one image, written first and never changed.

    What they say afterwards is the comment of their review: both are kept.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, related_name="+", editable=False
    )
    patient = models.ForeignKey("imaging.Patient", models.PROTECT, related_name="+")
    image = models.ForeignKey("imaging.Image", models.PROTECT, related_name="impressions")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    text = SealedTextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["image", "author"], name="impression_once")]

    def __str__(self) -> str:
        return f"Impression {self.pk}"

    @property
    def vault_patient_id(self) -> uuid.UUID:
        return self.patient_id
