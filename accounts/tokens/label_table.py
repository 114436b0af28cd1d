"""The table of addresses for MONAI Label clients, such as 3D Slicer's."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.timezone import now


class LabelTokenQuerySet(models.QuerySet):
    def live(self) -> LabelTokenQuerySet:
        return self.filter(revoked_at=None, expires_at__gt=now())


class LabelToken(models.Model):
    """The secret in a server address, kept as its SHA-256: shown once, for an hour, in one place.

    It speaks for a person, or for the API key that asked for it, and ends with either.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="label_tokens", editable=False
    )
    organisation = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, related_name="+", editable=False
    )
    department = models.ForeignKey(
        "accounts.Department", models.CASCADE, null=True, related_name="+", editable=False
    )
    api_key = models.ForeignKey(
        "accounts.ApiKey", models.CASCADE, null=True, related_name="label_tokens", editable=False
    )
    digest = models.CharField(max_length=64, unique=True, editable=False, help_text="SHA-256")
    scopes = models.JSONField(editable=False, help_text="actions, a part of LABEL_SCOPES")
    auth_version = models.PositiveIntegerField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    last_used_ip = models.GenericIPAddressField(null=True, editable=False)
    last_refused_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = LabelTokenQuerySet.as_manager()

    class Meta:
        app_label = "accounts"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["user", "-created_at"])]

    def __str__(self) -> str:
        return f"label token {self.pk}"
