"""What leaves the house: background-made files of a selection."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy

from accounts.tracing import current_request_id
from accounts.vault.fields import SealedTextField


class ExportKind(models.TextChoices):
    PDF = "pdf", gettext_lazy("PDF report")
    PDFS = "pdfs", gettext_lazy("ZIP of PDF reports")
    CSV = "csv", gettext_lazy("CSV of measures")
    MASKS = "masks", gettext_lazy("ZIP of masks")


ONE, BULK = "export.create", "export.create_bulk"  # one person's report, or many in one file


def action_of(kind: str) -> str:
    """Return the action that making, and taking away, such a file is."""
    return BULK if kind in (ExportKind.PDFS, ExportKind.CSV, ExportKind.MASKS) else ONE


class ExportStatus(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Export(models.Model):
    """A file made in the background from a selection of results."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="exports")
    kind = models.CharField(max_length=8, choices=ExportKind)
    status = models.CharField(max_length=16, choices=ExportStatus, default=ExportStatus.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    rung_at = models.DateTimeField(null=True, blank=True, editable=False)
    request_id = models.CharField(
        max_length=32, blank=True, default=current_request_id, editable=False
    )
    error = models.CharField(max_length=500, blank=True)
    blob = models.ForeignKey(
        "accounts.Blob", models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["user", "-created_at"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(status=ExportStatus.FAILED) | Q(error=""),
                name="export_error_only_if_failed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("reports:export-detail", args=[self.pk])

    @property
    def is_live(self) -> bool:
        return self.status in (ExportStatus.QUEUED, ExportStatus.RUNNING)


class ItemState(models.TextChoices):
    WAITING = "waiting"
    DONE = "done"
    SKIPPED = "skipped"


class ExportItem(models.Model):
    """One result of an export, and whether it is in the file."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    export = models.ForeignKey(Export, models.CASCADE, related_name="items")
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, related_name="+")
    result = models.ForeignKey("imaging.Result", models.PROTECT, related_name="+")
    position = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=ItemState, default=ItemState.WAITING)
    reason = SealedTextField(blank=True, default="")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["export", "result"], name="export_item_once")
        ]

    def __str__(self) -> str:
        return f"Item {self.position} of {self.export_id}"
