"""What seals the trail: a queue, a chain and its checkpoints."""

from __future__ import annotations

from django.db import models
from django.utils.timezone import now


class AuditPending(models.Model):
    """A row of the trail that is not in the chain yet; a trigger of the database puts it here."""

    id = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField()

    class Meta:
        app_label = "accounts"

    def __str__(self) -> str:
        return f"Pending {self.event_id}"


class AuditSeal(models.Model):
    """One link of the chain, in the order of `seq`: appended, never changed, never deleted."""

    seq = models.BigIntegerField(primary_key=True)
    event_id = models.UUIDField(unique=True, editable=False)
    prev = models.CharField(max_length=64, editable=False)
    hash = models.CharField(max_length=64, editable=False)
    mac = models.CharField(max_length=64, editable=False)
    kid = models.UUIDField(editable=False)

    class Meta:
        app_label = "accounts"
        ordering = ["seq"]

    def __str__(self) -> str:
        return f"Seal {self.seq}"


class AuditCheckpoint(models.Model):
    """A signed statement of how the trail stood: appended, never changed, never deleted."""

    seq = models.BigIntegerField(primary_key=True)
    hash = models.CharField(max_length=64, editable=False)
    count = models.BigIntegerField(editable=False)
    unsigned = models.BigIntegerField(default=0, editable=False)
    time = models.CharField(max_length=32, editable=False)
    key = models.CharField(max_length=16, editable=False)
    signature = models.CharField(max_length=128, editable=False)
    at = models.DateTimeField(default=now, editable=False)

    class Meta:
        app_label = "accounts"
        ordering = ["seq"]

    def __str__(self) -> str:
        return f"Checkpoint {self.seq}"
