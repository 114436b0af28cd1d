"""What is kept of a sign-in by token: its family, never a token."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class TokenFamily(models.Model):
    """One sign-in through the API: every token that descends from it carries its id.

    `jti` names the one refresh token that is good now; whoever comes with an older one
    holds a copy, and closes the family.
    """

    class Reason(models.TextChoices):
        REVOKED = "revoked", "Signed out"
        REUSED = "reused", "A refresh token was used twice"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="token_families", editable=False
    )
    jti = models.CharField(max_length=32, editable=False)
    auth_version = models.PositiveIntegerField(editable=False)
    second_factor = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    refreshed_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(editable=False, help_text="When its last token ends.")
    ends_at = models.DateTimeField(editable=False, help_text="No refresh goes beyond this.")
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_reason = models.CharField(max_length=16, choices=Reason, blank=True, editable=False)

    class Meta:
        app_label = "accounts"
        ordering = ["-created_at"]
        verbose_name_plural = "token families"
        constraints = [
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_reason="")
                | Q(revoked_at__isnull=False) & ~Q(revoked_reason=""),
                name="token_family_reason_iff_revoked",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__lte=models.F("ends_at")), name="token_family_ends"
            ),
        ]

    def __str__(self) -> str:
        return f"token family {self.pk}"
