"""The second factor of a person: whether there is one, and whether a code is right."""

from __future__ import annotations

import time

from allauth.mfa.models import Authenticator
from django.http import HttpRequest

from accounts.factor_table import CODE_DIGITS, AllauthDevice
from accounts.models import User
from accounts.throttle import attempt_check, attempt_failed, attempt_succeeded

SHOWN_FOR_S = 300
OWN = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)  # recovery codes only stand in for one


def has_factor(user: User) -> bool:
    """Say whether `user` enrolled a factor; recovery codes alone are none."""
    return Authenticator.objects.filter(user_id=user.pk, type__in=OWN).exists()


def has_security_key(user: User) -> bool:
    return Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.WEBAUTHN).exists()


def codes_just_shown(user: User) -> list[str]:
    """Return the unused recovery codes while the page that shows them once is young; else none."""
    codes = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    if codes is None or time.time() - codes.data.get("viewed_at", 0) > SHOWN_FOR_S:
        return []
    return codes.wrap().get_unused_codes()


def is_verified(request: HttpRequest) -> bool:
    """Say whether this session was opened, or confirmed since, with a second factor."""
    return getattr(request.user, "otp_device", None) is not None


def code_verify(*, user: User, code: str, request: HttpRequest | None = None) -> bool:
    """Spend a code of the authenticator app or a recovery code; True once for a right one.

    Not inside a transaction that may roll back: the failure count would go with it.
    """
    return device_for_code(user=user, code=code, request=request) is not None


def device_for_code(
    *, user: User, code: str, request: HttpRequest | None = None
) -> AllauthDevice | None:
    """Spend `code` as `code_verify` does and return the device that took it.

    With a `request`, the try passes the one door: TooManyAttempts when it has to wait.
    """
    if request is not None:
        attempt_check(request, kind="code", account=user)
    device = _device_that_takes(user, code)
    if request is not None:
        told = attempt_failed if device is None else attempt_succeeded
        told(request, kind="code", account=user)
    return device


def _device_that_takes(user: User, code: str) -> AllauthDevice | None:
    devices = AllauthDevice.objects.select_related("authenticator").filter(
        user=user, authenticator__type__in=list(CODE_DIGITS)
    )
    return next((device for device in devices if device.verify_token(code)), None)
