"""The bridge between allauth's factors and django-otp's gate: one row for each factor."""

from __future__ import annotations

from base64 import b32decode

from allauth.mfa import app_settings as mfa
from django.db import models, transaction
from django_otp.models import Device, ThrottlingMixin, TimestampMixin
from django_otp.oath import TOTP

from accounts.vault.purposes import purpose_unseal

CODE_DIGITS = {"totp": mfa.TOTP_DIGITS, "recovery_codes": mfa.RECOVERY_CODE_DIGITS}
MOST_FAILURES = 10  # counted; the wait doubles with each, so it ends at 512 s


class AllauthDevice(TimestampMixin, ThrottlingMixin, Device):
    """The bridge: allauth keeps the factor's secret, this row the brakes; it opens the gate."""

    authenticator = models.OneToOneField(
        "mfa.Authenticator", models.CASCADE, related_name="otp_device"
    )
    last_step = models.BigIntegerField(default=-1, help_text="Newest TOTP step ever accepted.")

    class Meta:
        app_label = "accounts"
        ordering = ["created_at"]

    def get_throttle_factor(self) -> int:
        return 1  # waits of 1, 2, 4 … seconds

    def verify_token(self, token: str | None) -> bool:
        """Spend `token`: True once for a right one; a wrong one makes the next wait.

        A code of another factor's form costs this one nothing.
        """
        token = "".join((token or "").split())
        if not (token.isascii() and token.isdigit()):
            return False
        if len(token) != CODE_DIGITS.get(self.authenticator.type):
            return False
        with transaction.atomic():
            row = type(self).objects.select_for_update().get(pk=self.pk)
            if not row.verify_is_allowed()[0]:
                return False
            is_right = row._accepts(token)
            if is_right:
                row.throttle_reset(commit=False)
                row.set_last_used_timestamp(commit=False)
            else:
                row.throttle_increment(commit=False)
                row.throttling_failure_count = min(row.throttling_failure_count, MOST_FAILURES)
            row.save()
        return is_right

    def _accepts(self, token: str) -> bool:
        """Compare `token`, and mark it as spent in the row (TOTP) or at allauth (recovery)."""
        if self.authenticator.type == "recovery_codes":
            return self.authenticator.wrap().validate_code(token)
        secret = purpose_unseal("mfa", self.authenticator.data["secret"])
        totp = TOTP(b32decode(secret), step=mfa.TOTP_PERIOD, digits=mfa.TOTP_DIGITS)
        is_right = totp.verify(int(token), mfa.TOTP_TOLERANCE, min_t=self.last_step + 1)
        if is_right:
            self.last_step = totp.t()
        return is_right
