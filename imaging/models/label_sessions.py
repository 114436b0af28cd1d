"""Files that a MONAI Label client sends for analysis: its sender's own, kept for an hour."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.timezone import now

from accounts.vault.fields import SealedTextField
from imaging.models.base import Clinical, blob_key, department_key
from imaging.models.sending import Upload


class LabelSessionQuerySet(models.QuerySet):
    def live(self) -> LabelSessionQuerySet:
        return self.filter(expires_at__gt=now())


class LabelSession(Clinical):
    """One file of one person in one place. `upload` is its filing, once a model was asked."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="label_sessions", editable=False
    )
    department = department_key()
    name = SealedTextField()
    size = models.PositiveBigIntegerField(editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    blob = blob_key()
    upload = models.ForeignKey(
        Upload, models.SET_NULL, null=True, related_name="label_sessions", editable=False
    )
    expires_at = models.DateTimeField(editable=False)

    objects = LabelSessionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["user", "sha256"]), models.Index(fields=["expires_at"])]

    def __str__(self) -> str:
        return f"Label session {self.pk}"
