"""What was asked of the engine: runs, their members and jobs, and who is alive to do them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.tracing import current_request_id
from accounts.vault.fields import SealedTextField
from imaging.models.base import Clinical
from imaging.models.cohorts import Cohort
from imaging.models.ensembles import Ensemble
from imaging.models.patients import Image
from imaging.models.versions import ModelVersion


class Run(Clinical):
    """One request: these images, this ensemble (frozen copy), by this person."""

    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="runs",
        verbose_name=_("requested by"),
    )
    ensemble = models.ForeignKey(
        Ensemble,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="runs",
        verbose_name=_("ensemble"),
    )
    title = models.CharField(_("title"), max_length=200)
    threshold = models.FloatField(_("threshold"))
    frozen = models.JSONField(
        _("ensemble as it was"),
        help_text=_("the EnsembleSpec as it was when the run was asked for"),
    )
    token = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text=_("the form's own: sent twice, one run"),
    )
    request_id = models.CharField(
        max_length=32, blank=True, default=current_request_id, editable=False
    )
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    skipped = models.JSONField(
        default=list,
        editable=False,
        help_text=_("images that were asked for and not taken, and why"),
    )
    override_of = models.ForeignKey(
        "Result",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="overrides",
        help_text=_("the refusal of the input gate that a person set aside"),
        verbose_name=_("set aside"),
    )
    override_reason = SealedTextField(_("reason"), blank=True, default="")
    cohort = models.ForeignKey(
        Cohort,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="runs",
        help_text=_("a researcher's: it stands in no record and no list of those who treat"),
        verbose_name=_("cohort"),
    )
    rule = models.ForeignKey(
        "imaging.Rule",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="runs",
        help_text="the rule that started it; none: a person or a program did",
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = pgettext_lazy("one analysis", "run")
        verbose_name_plural = _("runs")
        indexes = [
            models.Index(fields=["organisation", "-created_at", "-id"]),
            models.Index(fields=["requested_by", "-created_at"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["requested_by", "token"], condition=~Q(token=""), name="run_token_once"
            )
        ]

    def __str__(self) -> str:
        return gettext("Run %(id)s") % {"id": self.pk}

    def get_absolute_url(self) -> str:
        return reverse("imaging:run-detail", args=[self.pk])


class Member(models.Model):
    """One model in a Run: the weight and the device that were asked for."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(Run, models.CASCADE, related_name="members")
    model_version = models.ForeignKey(
        ModelVersion, models.PROTECT, related_name="+", verbose_name=_("model version")
    )
    position = models.PositiveSmallIntegerField(_("place"))
    weight = models.FloatField(_("weight"))
    share = models.FloatField(_("share"), help_text=_("weight over the sum of weights, 0 to 1"))
    device = models.CharField(_("device"), max_length=16)

    class Meta:
        ordering = ["position"]
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            models.UniqueConstraint(fields=["run", "model_version"], name="member_once"),
            models.CheckConstraint(condition=Q(weight__gte=0), name="member_weight"),
        ]

    def __str__(self) -> str:
        return f"{self.model_version} × {self.weight:g}"


class JobStatus(models.TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


LIVE = [JobStatus.QUEUED, JobStatus.RUNNING]


FINISHED = [JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED]


class JobQuerySet(models.QuerySet):
    def live(self) -> JobQuerySet:
        return self.filter(status__in=LIVE)


class Job(Clinical):
    """One image of a Run: queued → running → succeeded, failed or cancelled.

    `attempt` counts the claims and fences the writes: only the worker of the
    latest attempt may finish it. `lease_until` is the database's time; past it
    the worker is taken for dead, and `deaths` counts that. `rung_at` is when the
    queue was last told of it; null: it waits for its user's turn.
    """

    run = models.ForeignKey(
        Run, models.CASCADE, related_name="jobs", verbose_name=pgettext_lazy("one analysis", "run")
    )
    image = models.ForeignKey(Image, models.CASCADE, related_name="jobs", verbose_name=_("image"))
    position = models.PositiveIntegerField(_("place"), default=0)
    status = models.CharField(
        _("state"), max_length=16, choices=JobStatus, default=JobStatus.QUEUED
    )
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=0, editable=False)
    deaths = models.PositiveSmallIntegerField(_("lost workers"), default=0, editable=False)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True, editable=False)
    rung_at = models.DateTimeField(_("queue told at"), null=True, blank=True, editable=False)
    request_id = models.CharField(
        max_length=32, blank=True, default=current_request_id, editable=False
    )
    step = models.CharField(_("step"), max_length=120, blank=True)
    steps_done = models.PositiveSmallIntegerField(_("steps done"), default=0)
    steps_total = models.PositiveSmallIntegerField(_("steps in all"), default=0)
    error = models.CharField(
        _("reason"), max_length=500, blank=True, help_text=_("Shown to the user.")
    )
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        constraints = [
            models.UniqueConstraint(
                fields=["run", "image"],
                condition=Q(status__in=LIVE),
                name="job_one_live_per_run_and_image",
            ),
            models.CheckConstraint(
                condition=(Q(status__in=FINISHED) & Q(finished_at__isnull=False))
                | (Q(status__in=LIVE) & Q(finished_at__isnull=True)),
                name="job_finished_at_iff_finished",
            ),
            models.CheckConstraint(
                condition=Q(status=JobStatus.FAILED) | Q(error=""),
                name="job_error_only_if_failed",
            ),
            models.CheckConstraint(
                condition=~Q(status=JobStatus.RUNNING) | Q(lease_until__isnull=False),
                name="job_running_has_lease",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "lease_until"]),
            models.Index(fields=["run", "position"]),
            models.Index(fields=["image", "-created_at"]),
        ]

    def __str__(self) -> str:
        return gettext("Job %(id)s") % {"id": self.pk}

    @property
    def is_live(self) -> bool:
        return self.status in LIVE


class Heartbeat(models.Model):
    """The last sign of life of a supervising process, by name."""

    name = models.CharField(_("name"), max_length=64, primary_key=True)
    at = models.DateTimeField(_("when"))
    facts = models.JSONField(_("facts"), default=dict)

    class Meta:
        ordering = ["name"]
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name
