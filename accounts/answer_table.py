"""What was answered under an Idempotency-Key, sealed, for a day."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class KeptAnswer(models.Model):
    """One act of a program: asked for again under the same key, it is answered from here.

    key   SHA-256 of the key that was sent; act: of method, address and body.
    sealed  status, headers and body as JSON; blank while the act is going on.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", editable=False
    )
    key = models.CharField(max_length=64, editable=False)
    act = models.CharField(max_length=64, editable=False)
    sealed = models.TextField(blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "accounts"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["created_at"], name="kept_answer_by_age")]
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="kept_answer_once"),
            models.CheckConstraint(
                condition=models.Q(sealed="") | models.Q(sealed__startswith="v1."),
                name="kept_answer_sealed",
            ),
        ]

    def __str__(self) -> str:
        return f"kept answer {self.pk}"
