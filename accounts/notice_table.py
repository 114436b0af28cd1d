"""The notices of each person, shown in the app until they are read."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext

from accounts.notices import kind_named


class Notice(models.Model):
    """One thing that a person should know about; `facts` hold no patient data."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    at = models.DateTimeField(default=now, editable=False)
    to = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=32)
    facts = models.JSONField(default=dict)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "accounts"
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["to", "-at", "-id"], name="notice_to_at"),
            models.Index(fields=["to"], condition=models.Q(read_at=None), name="notice_unread"),
        ]

    def __str__(self) -> str:
        return f"Notice {self.kind}"

    @property
    def title(self) -> str:
        return gettext(kind_named(self.kind).title)

    @property
    def words(self) -> str:
        return gettext(kind_named(self.kind).words).format(**self.facts)

    @property
    def remedy(self) -> str:
        return gettext(kind_named(self.kind).remedy)

    @property
    def is_grave(self) -> bool:
        return kind_named(self.kind).is_grave

    @property
    def page(self) -> str:
        """The name of the page that helps."""
        return kind_named(self.kind).page
