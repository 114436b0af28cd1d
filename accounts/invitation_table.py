"""The table of people who were asked to join an organisation and have not answered yet."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.roles import ROLES


class Invitation(models.Model):
    """A role that waits for whoever shows that the address is theirs; it says not if they exist."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", models.CASCADE, related_name="invitations"
    )
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=16, choices=list(ROLES.items()))
    department = models.ForeignKey(
        "accounts.Department", models.CASCADE, null=True, blank=True, related_name="+"
    )
    until = models.DateTimeField(null=True, blank=True, help_text="when the membership ends")
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        app_label = "accounts"
        ordering = ["created_at"]
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            # two, for SQLite knows no unique nulls
            models.UniqueConstraint(
                fields=["organisation", "email", "department", "role"], name="invitation_once"
            ),
            models.UniqueConstraint(
                fields=["organisation", "email", "role"],
                condition=models.Q(department=None),
                name="invitation_of_the_whole_once",
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=list(ROLES)), name="invitation_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"Invitation {self.pk}"
