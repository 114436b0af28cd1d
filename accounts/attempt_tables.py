"""The table of tries at secrets that were not proven right."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class AttemptCounter(models.Model):
    """Tries in a row of one account, known device or address; changed by UPDATE alone.

    The key is an HMAC: the row says neither which address nor which e-mail was tried.
    """

    class Scope(models.TextChoices):
        ACCOUNT = "account"
        DEVICE = "device"
        ADDRESS = "address"

    class Kind(models.TextChoices):
        PASSWORD = "password", _("Password")
        TOKEN = "token", _("Password and code of a program")
        CODE = "code", _("Code of a second factor")
        RESET = "reset", _("Mailed code for a new password")
        MAIL = "mail", _("Letters with a code, unanswered")
        ANY = "any", _("Anything from one address")

    key = models.CharField(max_length=64, primary_key=True, editable=False)
    scope = models.CharField(max_length=8, choices=Scope)
    kind = models.CharField(max_length=16, choices=Kind)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="attempt_counters"
    )
    count = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField(db_index=True)
    held_until = models.DateTimeField(null=True)
    locked_at = models.DateTimeField(null=True, help_text="When this series was first held.")
    told_at = models.DateTimeField(null=True, help_text="When its owner was told, once.")

    class Meta:
        app_label = "accounts"
        ordering = ["-last_at"]
        indexes = [
            models.Index(
                fields=["locked_at"],
                name="attempt_untold",
                condition=models.Q(locked_at__isnull=False, told_at=None),
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(told_at=None) | models.Q(locked_at__isnull=False),
                name="attempt_told_only_of_a_lock",
            ),
            models.CheckConstraint(
                condition=~models.Q(scope="address") | models.Q(user=None),
                name="attempt_address_is_nobodys",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.count} tries at {self.kind} by {self.scope}"
