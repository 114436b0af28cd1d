"""A study's deletion: asked for by one person, decided by another, undone or done for good."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy


class DeletionReason(models.TextChoices):
    """Why it should go; no free text, which an administrator would read a patient in."""

    PATIENT = "patient", gettext_lazy("It shows another patient than it says")
    TWICE = "twice", gettext_lazy("It is here twice")
    TRIAL = "trial", gettext_lazy("It was sent as a trial")
    QUALITY = "quality", gettext_lazy("Its pictures are of no use")
    MISTAKE = "mistake", gettext_lazy("It should never have been here")


class DeclineReason(models.TextChoices):
    """Why it stays; the person who asked reads it."""

    NEEDED = "needed", gettext_lazy("It is still needed for the patient's care")
    KEPT = "kept", gettext_lazy("It must be kept, by law or by contract")
    OTHERWISE = "otherwise", gettext_lazy("Move the study or correct the patient instead")
    UNCLEAR = "unclear", gettext_lazy("The reason does not fit: ask again with another")


def _who() -> models.ForeignKey:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )


def _when() -> models.DateTimeField:
    return models.DateTimeField(null=True, blank=True)


class DeletionQuerySet(models.QuerySet):
    def waiting(self) -> DeletionQuerySet:
        """Those that somebody has still to decide."""
        return self.filter(withdrawn_at=None, declined_at=None, approved_at=None)

    def kept(self) -> DeletionQuerySet:
        """Those whose study is deleted and may still come back."""
        return self.filter(approved_at__isnull=False, restored_at=None, purged_at=None)

    def closed(self) -> DeletionQuerySet:
        """Those of which nothing is left to do."""
        return self.exclude(withdrawn_at=None, declined_at=None, restored_at=None, purged_at=None)


class Deletion(models.Model):
    """One request and what became of it; `study_id` is a random id that outlives the study's row.

    keep_until  the end of the time in which an administrator may still restore it.
    digests     the sha256 of each signed decision that went with the study, when it went for good.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, related_name="+")
    study_id = models.UUIDField(editable=False)
    reason = models.CharField(max_length=16, choices=DeletionReason)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = _when()
    declined_by, declined_at = _who(), _when()
    answer = models.CharField(max_length=16, choices=DeclineReason, blank=True)
    approved_by, approved_at, keep_until = _who(), _when(), _when()
    restored_by, restored_at = _who(), _when()
    purged_at = _when()
    digests = models.JSONField(default=list, editable=False)

    objects = DeletionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["organisation", "-created_at"])]
        constraints = [
            models.UniqueConstraint(
                fields=["study_id"],
                condition=Q(withdrawn_at=None, declined_at=None, restored_at=None),
                name="deletion_once_per_study",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=F("requested_by")),
                name="deletion_by_two_people",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None, approved_at=None, keep_until=None)
                | Q(approved_by__isnull=False, approved_at__isnull=False,
                    keep_until__isnull=False, withdrawn_at=None, declined_at=None),
                name="deletion_approved_whole",
            ),
            models.CheckConstraint(
                condition=Q(declined_by=None, declined_at=None, answer="")
                | Q(declined_by__isnull=False, declined_at__isnull=False, answer__gt="",
                    withdrawn_at=None),
                name="deletion_declined_whole",
            ),
            models.CheckConstraint(
                condition=Q(restored_by=None, restored_at=None)
                | Q(restored_by__isnull=False, restored_at__isnull=False,
                    approved_at__isnull=False, purged_at=None),
                name="deletion_restored_whole",
            ),
            models.CheckConstraint(
                condition=Q(purged_at=None) | Q(approved_at__isnull=False),
                name="deletion_purged_after_approval",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"Deletion {self.pk}"

    @property
    def is_open(self) -> bool:
        """Say whether somebody has still to decide."""
        return not (self.withdrawn_at or self.declined_at or self.approved_at)

    @property
    def state(self) -> str:
        """What became of it, in one word."""
        ends = ("withdrawn", "declined", "restored", "purged", "approved")
        return next((one for one in ends if getattr(self, f"{one}_at")), "waiting")

    @property
    def is_kept(self) -> bool:
        """Say whether the study is deleted and may still come back."""
        return bool(self.approved_at) and not (self.restored_at or self.purged_at)
