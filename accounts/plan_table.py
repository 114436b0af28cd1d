"""The table of requests for another plan: asked by an organisation, decided by the operator."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class PlanRequestState(models.TextChoices):
    OPEN = "open", _("Open")
    GRANTED = "granted", _("Granted")
    DECLINED = "declined", _("Declined")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class PlanRequest(models.Model):
    """One wish for another plan; an organisation has at most one that is open."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation",
        models.CASCADE,
        related_name="plan_requests",
        verbose_name=_("organisation"),
    )
    plan = models.ForeignKey(
        "accounts.Plan", models.PROTECT, related_name="+", verbose_name=_("plan asked for")
    )
    words = models.CharField(_("why"), max_length=500, blank=True, default="")
    state = models.CharField(
        _("state"), max_length=16, choices=PlanRequestState, default=PlanRequestState.OPEN
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("asked by")
    )
    asked_at = models.DateTimeField(_("asked at"), auto_now_add=True)
    answer = models.CharField(_("answer"), max_length=500, blank=True, default="")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    class Meta:
        app_label = "accounts"
        ordering = ["-asked_at"]
        verbose_name = _("request for a plan")
        verbose_name_plural = _("requests for a plan")
        constraints = [
            models.UniqueConstraint(
                fields=["organisation"],
                condition=Q(state=PlanRequestState.OPEN),
                name="plan_request_open_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=PlanRequestState.values), name="plan_request_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state=PlanRequestState.OPEN, decided_at=None)
                | (~Q(state=PlanRequestState.OPEN) & Q(decided_at__isnull=False)),
                name="plan_request_decided_unless_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation}: {self.plan}"

    @property
    def is_open(self) -> bool:
        return self.state == PlanRequestState.OPEN
