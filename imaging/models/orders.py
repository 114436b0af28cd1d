"""Files and a choice of models sent in one call: it becomes a Run once the files are read."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class Order(models.Model):
    """Open until the upload is read; then it has its run, or says in words why there is none.

    choice  {"members": [[id of the version, weight, device], …], "threshold", "fusion",
            "ensemble": id or null, "modality"}.
    token   the caller's own (Idempotency-Key): sent twice, it is one order.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    upload = models.OneToOneField("imaging.Upload", models.CASCADE, related_name="order")
    choice = models.JSONField(editable=False)
    token = models.CharField(max_length=64, blank=True, editable=False)
    run = models.ForeignKey(
        "imaging.Run", models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    problem = models.CharField(max_length=500, blank=True, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["closed_at", "created_at"])]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "token"], condition=~Q(token=""), name="order_token_once"
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None, run=None, problem="") | Q(closed_at__isnull=False),
                name="order_open_without_an_end",
            ),
            models.CheckConstraint(condition=Q(run=None) | Q(problem=""), name="order_one_end"),
        ]

    def __str__(self) -> str:
        return f"Order {self.pk}"
