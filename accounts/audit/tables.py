"""The trail's table: appended, never changed, never deleted."""

from __future__ import annotations

import uuid
from datetime import UTC

from django.conf import settings
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from accounts.audit.actions import ACTIONS
from accounts.audit.rows import COLUMNS


class AuditEvent(models.Model):
    """One line of the audit trail; no name, no file name, no pixel stands in it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    at = models.DateTimeField(_("when"), default=now, editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("who"),
    )
    role = models.CharField(
        _("role"), max_length=128, blank=True, help_text=_("in which the actor acted")
    )
    organisation = models.ForeignKey(
        "accounts.Organisation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("organisation"),
    )
    ip = models.CharField(_("network address"), max_length=45, blank=True)
    session = models.CharField(
        _("session"), max_length=32, blank=True, help_text=_("hash, never the key")
    )
    request_id = models.CharField(_("request"), max_length=32, blank=True)
    action = models.CharField(
        _("action"), max_length=64, help_text=_("noun.verb, for instance run.submit")
    )
    dicom = models.CharField(
        _("DICOM event"), max_length=16, blank=True, help_text=_("PS3.15 A.5, event:type")
    )
    target = models.CharField(
        _("object"), max_length=128, blank=True, help_text=_("model:pk, never a name")
    )
    patient = models.UUIDField(
        _("patient"), null=True, blank=True, help_text=_("pseudonym: the row's random id")
    )
    outcome = models.CharField(_("outcome"), max_length=16, default="ok")
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    before = models.CharField(_("before"), max_length=64, blank=True, help_text=_("keyed hash"))
    after = models.CharField(_("after"), max_length=64, blank=True, help_text=_("keyed hash"))
    sealed = models.TextField(
        _("sealed"), blank=True, help_text=_("what changed, under the trail's key")
    )
    version = models.CharField(_("version"), max_length=32, blank=True, help_text=_("of MediScan"))
    hmac = models.CharField(max_length=64, blank=True, editable=False)
    kid = models.UUIDField(
        null=True, blank=True, editable=False, help_text=_("the key that signed")
    )

    class Meta:
        app_label = "accounts"
        ordering = ["-at"]
        verbose_name = _("entry of the trail")
        verbose_name_plural = _("audit trail")
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
