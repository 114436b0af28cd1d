"""Where messages go, and the messages: written with what they tell of, sent afterwards."""

from __future__ import annotations

import uuid
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.vault.fields import SealedTextField
from accounts.webhooks.events import EVENTS

FORMER_FOR = timedelta(hours=24)  # how long the secret before the last signs beside it


class OffReason(models.TextChoices):
    PERSON = "person", gettext_lazy("switched off by a person")
    FAILING = "failing", gettext_lazy("switched off: a message failed eight times")
    GONE = "gone", gettext_lazy("switched off: the receiver answered that it is gone (410)")


class DeliveryState(models.TextChoices):
    WAITING = "waiting", gettext_lazy("Waiting")
    DELIVERED = "delivered", gettext_lazy("Delivered")
    GIVEN_UP = "given_up", gettext_lazy("Given up")


class WebhookEndpoint(models.Model):
    """An address of another system, of one organisation; removed, its row stays without secrets."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, related_name="webhooks", editable=False
    )
    url = SealedTextField(blank=True)
    events = models.JSONField(default=list, help_text="types of accounts/webhooks/events.py")
    secret = SealedTextField(blank=True)
    former_secret = SealedTextField(blank=True)
    former_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    off_at = models.DateTimeField(null=True, blank=True, editable=False)
    off_reason = models.CharField(max_length=16, choices=OffReason, blank=True, editable=False)
    succeeded_at = models.DateTimeField(null=True, blank=True, editable=False)
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        app_label = "accounts"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(off_at=None, off_reason="")
                | Q(off_at__isnull=False) & ~Q(off_reason=""),
                name="webhook_reason_iff_off",
            ),
            models.CheckConstraint(
                condition=Q(removed_at=None)
                | Q(url="", secret="", former_secret="", off_at__isnull=False),
                name="webhook_removed_keeps_nothing",
            ),
        ]

    def __str__(self) -> str:
        return f"webhook {self.pk}"

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def state(self) -> str:
        return "active" if self.off_at is None else "off"

    @property
    def event_words(self) -> list[str]:
        return [str(_(EVENTS.get(event, event))) for event in self.events]

    @property
    def keys(self) -> list[str]:
        """The secrets that sign now, the newest first."""
        former = self.former_until is not None and self.former_until > now()
        return [self.secret, self.former_secret] if former else [self.secret]


class WebhookDelivery(models.Model):
    """One message to one endpoint, and how its sending went. Of the answer the status is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, related_name="+", editable=False
    )
    endpoint = models.ForeignKey(
        WebhookEndpoint, models.PROTECT, related_name="deliveries", editable=False
    )
    event = models.CharField(max_length=32, editable=False)
    data = models.JSONField(default=dict, editable=False, help_text="ids by name, nothing else")
    created_at = models.DateTimeField(default=now, editable=False)
    state = models.CharField(
        max_length=16, choices=DeliveryState, default=DeliveryState.WAITING, editable=False
    )
    tries = models.PositiveSmallIntegerField(default=0, editable=False)
    next_try_at = models.DateTimeField(null=True, blank=True, editable=False)
    tried_at = models.DateTimeField(null=True, blank=True, editable=False)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    problem = models.CharField(max_length=16, blank=True, editable=False)
    took_ms = models.PositiveIntegerField(null=True, blank=True, editable=False)

    class Meta:
        app_label = "accounts"
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(state="waiting"), name="webhook_due"),
            models.Index(fields=["endpoint", "-created_at"], name="webhook_of_endpoint"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="waiting", next_try_at__isnull=False)
                | ~Q(state="waiting") & Q(next_try_at=None),
                name="webhook_next_try_iff_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"webhook delivery {self.pk}"

    @property
    def problem_words(self) -> str:
        """Why the last try failed, and the remedy; "" where it did not."""
        return str(PROBLEMS.get(self.problem, ""))


PROBLEMS = {
    "url": gettext_lazy("The address is not one that a message can be sent to."),
    "https": gettext_lazy("The address does not begin with https://."),
    "unknown": gettext_lazy("There is no such host. Check the name, and the server's DNS."),
    "private": gettext_lazy(
        "The host has an address that is not public. Whoever operates the server can list its"
        " network in WEBHOOK_NETWORKS."
    ),
    "certificate": gettext_lazy(
        "The certificate is not valid for this host. Whoever operates the server can name your"
        " own authority's in WEBHOOK_CA_FILE."
    ),
    "connection": gettext_lazy("No connection, or it broke off before an answer."),
    "timeout": gettext_lazy("No answer within ten seconds."),
    "redirect": gettext_lazy("It answered with a redirect, which is not followed."),
    "status": gettext_lazy("It did not answer with a status of 200 to 299."),
    "unexpected": gettext_lazy(
        "It could not be sent. Whoever operates the server finds the reason in its log."
    ),
    "key": gettext_lazy("Its address or secret could not be decrypted. Make a new endpoint."),
}
