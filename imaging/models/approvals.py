"""A model on its way in, and the two yeses that let it serve."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.tracing import current_request_id


class TakingStatus(models.TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    ASKING = "asking", _("Asking")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")


class ModelUpload(models.Model):
    """One model file or ZIP that an administrator sent: queued → running → succeeded or failed.

    A single weight file is looked into first and then waits, asking, for a person to describe
    it: `told` is what it says of itself, `form` the metadata.json that the person made of it.
    `attempt` fences the finish and `lease_until` is the database's time, as in Job.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("sent by"),
    )
    name = models.CharField(_("file"), max_length=255, editable=False)
    size = models.PositiveBigIntegerField(_("size in bytes"), editable=False)
    sha256 = models.CharField(_("SHA-256"), max_length=64, editable=False)
    told = models.JSONField(null=True, blank=True, editable=False)
    form = models.JSONField(null=True, blank=True, editable=False)
    status = models.CharField(
        _("state"), max_length=16, choices=TakingStatus, default=TakingStatus.QUEUED
    )
    step = models.CharField(max_length=40, blank=True, editable=False)
    steps_done = models.PositiveSmallIntegerField(default=0, editable=False)
    steps_total = models.PositiveSmallIntegerField(default=0, editable=False)
    error = models.CharField(_("reason"), max_length=500, blank=True, editable=False)
    model_version = models.ForeignKey(
        "imaging.ModelVersion",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("model version"),
    )
    attempt = models.PositiveSmallIntegerField(default=0, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    rung_at = models.DateTimeField(null=True, blank=True, editable=False)
    request_id = models.CharField(
        max_length=32, blank=True, default=current_request_id, editable=False
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("model on its way in")
        verbose_name_plural = _("models on their way in")
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["failed", "asking"]) | Q(error=""),
                name="model_upload_error_only_if_refused",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "asking"], finished_at=None)
                | Q(status__in=["succeeded", "failed"], finished_at__isnull=False),
                name="model_upload_finished_iff_closed",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_live(self) -> bool:
        """Whether a worker has it, or will: one that asks waits for a person."""
        return self.finished_at is None and self.status != TakingStatus.ASKING

    @property
    def is_zip(self) -> bool:
        return self.name.lower().endswith(".zip")


class ApprovalKind(models.TextChoices):
    CLINICAL = "clinical", _("Clinical")
    TECHNICAL = "technical", _("Technical")


class ModelApproval(models.Model):
    """One yes to a model version: one person, one kind; two of them let it serve."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    model_version = models.ForeignKey(
        "imaging.ModelVersion", models.CASCADE, related_name="approvals"
    )
    kind = models.CharField(max_length=16, choices=ApprovalKind)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["at"]
        constraints = [
            models.UniqueConstraint(fields=["model_version", "kind"], name="approval_once"),
            models.UniqueConstraint(fields=["model_version", "user"], name="approval_two_people"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} yes to {self.model_version_id}"
