"""The trail's table: appended, never changed, never deleted."""

from __future__ import annotations

import uuid
from datetime import UTC

from django.conf import settings
from django.db import models
from django.utils.timezone import now

from accounts.audit.actions import ACTIONS
from accounts.audit.rows import COLUMNS


class AuditEvent(models.Model):
    """One line of the audit trail; no name, no file name, no pixel stands in it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    at = models.DateTimeField(default=now, editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    role = models.CharField(max_length=128, blank=True, help_text="in which the actor acted")
    organisation = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, null=True, blank=True, related_name="+"
    )
    ip = models.CharField(max_length=45, blank=True)
    session = models.CharField(max_length=32, blank=True, help_text="hash, never the key")
    request_id = models.CharField(max_length=32, blank=True)
    action = models.CharField(max_length=64, help_text="noun.verb, for instance run.submit")
    dicom = models.CharField(max_length=16, blank=True, help_text="PS3.15 A.5, event:type")
    target = models.CharField(max_length=128, blank=True, help_text="model:pk, never a name")
    patient = models.UUIDField(null=True, blank=True, help_text="pseudonym: the row's random id")
    outcome = models.CharField(max_length=16, default="ok")
    reason = models.CharField(max_length=200, blank=True)
    before = models.CharField(max_length=64, blank=True, help_text="keyed hash")
    after = models.CharField(max_length=64, blank=True, help_text="keyed hash")
    sealed = models.TextField(blank=True, help_text="what changed, under the trail's key")
    version = models.CharField(max_length=32, blank=True, help_text="of MediScan")
    hmac = models.CharField(max_length=64, blank=True, editable=False)
    kid = models.UUIDField(null=True, blank=True, editable=False, help_text="the key that signed")

    class Meta:
        app_label = "accounts"
        ordering = ["-at"]
        indexes = [
            models.Index(fields=["target", "at"]),
            models.Index(fields=["organisation", "at"]),
            models.Index(fields=["actor", "at"], name="audit_actor_at"),
            models.Index(fields=["at", "id"], name="audit_at_id"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action} {self.target}"

    def save(self, *args, **kwargs) -> None:
        if not self._state.adding:
            raise TypeError("the audit trail is append-only")
        super().save(*args, **kwargs)

    def delete(self, *args, **kwargs):
        raise TypeError("the audit trail is append-only")

    @property
    def words(self) -> str:
        """What happened, in words; its code where an older house wrote another."""
        return ACTIONS[self.action].words if self.action in ACTIONS else self.action

    def as_text(self) -> list[str]:
        """Return the values of COLUMNS as they are signed."""
        return [_text(getattr(self, column)) for column in COLUMNS]


def _text(value) -> str:
    if value is None:
        return ""
    if isinstance(value, uuid.UUID):
        return value.hex
    if isinstance(value, str):
        return value
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
