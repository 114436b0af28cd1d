"""What an organisation prints on its reports: a logo, a heading, an address, a closing text."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class LetterheadState(models.TextChoices):
    READING = "reading"  # the worker draws the logo anew and lays out a specimen
    READY = "ready"
    REFUSED = "refused"


class Letterhead(models.Model):
    """One saving of a letterhead; once in use it never changes, a later one follows it.

    number    counts within the organisation.
    sent      the logo as it came, until it is read; `logo` is the house's own PNG of it.
    specimen  a report on nobody, to look at before it is put into use.
    used_at   since when reports carry it; null for a draft. A signed report carries the one that
              was in use when it was signed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, related_name="letterheads", editable=False
    )
    number = models.PositiveIntegerField(editable=False)
    heading = models.CharField(max_length=80, blank=True, editable=False)
    address = models.CharField(max_length=250, blank=True, editable=False)
    closing = models.CharField(max_length=300, blank=True, editable=False)
    state = models.CharField(
        max_length=16, choices=LetterheadState, default=LetterheadState.READING, editable=False
    )
    problem = models.CharField(max_length=500, blank=True, editable=False)
    sent = models.ForeignKey(
        "accounts.Blob", models.PROTECT, null=True, related_name="+", editable=False
    )
    sent_name = models.CharField(max_length=255, blank=True, editable=False)
    logo = models.ForeignKey(
        "accounts.Blob", models.PROTECT, null=True, related_name="+", editable=False
    )
    specimen = models.ForeignKey(
        "accounts.Blob", models.PROTECT, null=True, related_name="+", editable=False
    )
    tries = models.PositiveSmallIntegerField(default=0, editable=False)
    rung_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False
    )
    used_at = models.DateTimeField(null=True, editable=False)
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", editable=False
    )

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "number"], name="letterhead_number_once"
            ),
            models.CheckConstraint(
                condition=Q(used_at=None) | Q(state=LetterheadState.READY, used_by__isnull=False),
                name="letterhead_used_is_ready",
            ),
            models.CheckConstraint(
                condition=Q(state=LetterheadState.REFUSED) | Q(problem=""),
                name="letterhead_problem_only_if_refused",
            ),
        ]

    def __str__(self) -> str:
        return f"Letterhead {self.number}"

    @property
    def is_live(self) -> bool:
        return self.state == LetterheadState.READING

    @property
    def is_empty(self) -> bool:
        return not (self.heading or self.address or self.closing or self.logo_id or self.sent_id)
