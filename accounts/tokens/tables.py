"""What is kept of a sign-in by token: its family, never a token."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.tokens.scopes import SCOPES


class TokenFamily(models.Model):
    """One sign-in through the API: every token that descends from it carries its id.

    `jti` names the one refresh token that is good now; whoever comes with an older one
    holds a copy, and closes the family.
    """

    class Reason(models.TextChoices):
        REVOKED = "revoked", gettext_lazy("Signed out")
        REUSED = "reused", gettext_lazy("A refresh token was used twice")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="token_families", editable=False
    )
    jti = models.CharField(max_length=32, editable=False)
    auth_version = models.PositiveIntegerField(editable=False)
    second_factor = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    refreshed_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(editable=False, help_text="When its last token ends.")
    ends_at = models.DateTimeField(editable=False, help_text="No refresh goes beyond this.")
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_reason = models.CharField(max_length=16, choices=Reason, blank=True, editable=False)

    class Meta:
        app_label = "accounts"
        ordering = ["-created_at"]
        verbose_name_plural = "token families"
        constraints = [
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_reason="")
                | Q(revoked_at__isnull=False) & ~Q(revoked_reason=""),
                name="token_family_reason_iff_revoked",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__lte=models.F("ends_at")), name="token_family_ends"
            ),
        ]

    def __str__(self) -> str:
        return f"token family {self.pk}"


class ServiceAccount(models.Model):
    """A machine that works for one organisation: an Integrator without a password or a page.

    Its user is inactive, so that no form ever lets it in; what it does is done, seen and
    written down as that user's.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, related_name="service_accounts", editable=False
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="service_account", editable=False
    )
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "accounts"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("organisation", Lower("name"), name="service_account_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class ApiKeyQuerySet(models.QuerySet):
    def live(self) -> ApiKeyQuerySet:
        return self.filter(revoked_at=None, expires_at__gt=now())


class ApiKey(models.Model):
    """One secret of a service account, kept as its SHA-256: shown once, scoped, expiring."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(ServiceAccount, models.PROTECT, related_name="keys")
    prefix = models.CharField(max_length=12, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False, help_text="SHA-256 of the secret")
    scopes = models.JSONField(editable=False, help_text="actions, a part of the Integrator's")
    networks = models.JSONField(default=list, editable=False, help_text="empty: from anywhere")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_ip = models.GenericIPAddressField(null=True, blank=True, editable=False)
    last_refused_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        app_label = "accounts"
        ordering = ["-created_at"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"API key {self.prefix}"

    @property
    def organisation(self):
        return self.account.organisation

    @property
    def scope_words(self) -> list[str]:
        """Say in words what the key may do; a scope that was given up since, by its name."""
        return [str(_(SCOPES.get(scope, scope))) for scope in self.scopes]

    @property
    def state(self) -> str:
        """Say "revoked", "expired" or "active"."""
        if self.revoked_at is not None:
            return "revoked"
        return "active" if self.expires_at > now() else "expired"
