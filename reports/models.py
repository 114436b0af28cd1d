"""What leaves the house: background-made files of a selection."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.tracing import current_request_id
from accounts.vault.fields import SealedTextField
from reports.letterhead.table import Letterhead, LetterheadState

__all__ = ["Letterhead", "LetterheadState"]


class ExportKind(models.TextChoices):
    PDF = "pdf", _("PDF report")
    PDFS = "pdfs", _("ZIP of PDF reports")
    CSV = "csv", _("CSV of measures")
    XLSX = "xlsx", _("XLSX of measures")
    MASKS = "masks", _("ZIP of masks")
    DICOM = "dicom", _("DICOM SEG, SR and PDF")
    DICOMS = "dicoms", _("ZIP of DICOM SEG, SR and PDF")
    COHORT_CSV = "anon-csv", _("CSV of a cohort")
    COHORT_XLSX = "anon-xlsx", _("XLSX of a cohort")
    COHORT_ZIP = "anon-zip", _("ZIP of a cohort")
    COHORT_DICOM = "anon-dcm", _("DICOM of a cohort")


# de-identified, a researcher's
COHORT_KINDS = (
    ExportKind.COHORT_CSV, ExportKind.COHORT_XLSX, ExportKind.COHORT_ZIP,
    ExportKind.COHORT_DICOM,
)  # fmt: skip
KINDS = tuple(kind for kind in ExportKind if kind not in COHORT_KINDS)
MANY = {ExportKind.PDF: ExportKind.PDFS, ExportKind.DICOM: ExportKind.DICOMS}  # of several results
# made file by file, each kept until the last is done
ZIPS = (ExportKind.PDFS, ExportKind.MASKS, ExportKind.DICOM, ExportKind.DICOMS)
ONE, BULK = "export.create", "export.create_bulk"  # one person's report, or many in one file


def action_of(kind: str) -> str:
    """Return the action that making, and taking away, such a file is."""
    return BULK if kind in KINDS and kind not in MANY else ONE


class ExportStatus(models.TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class Export(models.Model):
    """A file made in the background from a selection of results.

    attempt     which claim works on it; fences a worker that is late.
    deaths      how often in a row a worker took it and finished nothing.
    size        bytes of the file, kept when the file itself is gone.
    deleted_at  when its owner took the file away, before it expired.
    cohort      whose pictures it holds, without identity; `rows` are theirs, by id.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, related_name="+", verbose_name=_("organisation")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="exports", verbose_name=_("asked by")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=ExportKind)
    status = models.CharField(
        _("state"), max_length=16, choices=ExportStatus, default=ExportStatus.QUEUED
    )
    attempt = models.PositiveSmallIntegerField(default=0, editable=False)
    deaths = models.PositiveSmallIntegerField(default=0, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    rung_at = models.DateTimeField(null=True, blank=True, editable=False)
    request_id = models.CharField(
        max_length=32, blank=True, default=current_request_id, editable=False
    )
    error = models.CharField(_("reason"), max_length=500, blank=True)
    blob = models.ForeignKey(
        "accounts.Blob", models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    size = models.PositiveBigIntegerField(_("size in bytes"), null=True, editable=False)
    downloads = models.PositiveIntegerField(_("downloads"), default=0, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    cohort = models.ForeignKey(
        "imaging.Cohort", models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    rows = models.JSONField(default=list, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        indexes = [models.Index(fields=["user", "-created_at"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__startswith="anon-", cohort__isnull=False)
                | ~Q(kind__startswith="anon-") & Q(cohort=None),
                name="export_of_a_cohort",
            ),
            models.CheckConstraint(
                condition=Q(status=ExportStatus.FAILED) | Q(error=""),
                name="export_error_only_if_failed",
            ),
            models.CheckConstraint(
                condition=Q(deleted_at=None) | Q(blob=None), name="export_deleted_has_no_file"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("reports:export-detail", args=[self.pk])

    @property
    def is_live(self) -> bool:
        return self.status in (ExportStatus.QUEUED, ExportStatus.RUNNING)

    @property
    def state(self) -> str:
        """The word that its owner reads: a finished file may be gone."""
        if self.status != ExportStatus.SUCCEEDED or self.blob_id:
            return self.status
        return "deleted" if self.deleted_at else "expired"


class ItemState(models.TextChoices):
    WAITING = "waiting"
    DONE = "done"
    SKIPPED = "skipped"


class ExportItem(models.Model):
    """One result of an export, and whether it is in the file.

    part, ending  its own file while a ZIP is being made of them, and what its name ends in.
    version       which version of the verdict the file tells, 0 where there was none; null until
                  a report is made and in other kinds of file, unless it was settled when asked for:
                  one was named, or signed ones alone were wanted.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    export = models.ForeignKey(Export, models.CASCADE, related_name="items")
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, related_name="+")
    result = models.ForeignKey("imaging.Result", models.PROTECT, related_name="+")
    position = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=ItemState, default=ItemState.WAITING)
    reason = SealedTextField(blank=True, default="")
    part = models.ForeignKey(
        "accounts.Blob", models.PROTECT, null=True, related_name="+", editable=False
    )
    ending = models.CharField(max_length=8, blank=True, editable=False)
    version = models.PositiveSmallIntegerField(null=True, editable=False)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["export", "result"], name="export_item_once")
        ]

    def __str__(self) -> str:
        return f"Item {self.position} of {self.export_id}"
