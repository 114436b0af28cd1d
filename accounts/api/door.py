"""The one call that signs a person in by API: the pages' pipeline, counters and all."""

from __future__ import annotations

from dataclasses import dataclass

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from accounts import audit
from accounts.api.problems import Problem, password_change_required
from accounts.models import User
from accounts.services.factors import code_verify, has_factor
from accounts.throttle import attempt_check, attempt_failed, attempt_succeeded


@dataclass(frozen=True, slots=True)
class Admission:
    """Who was let in, and whether a second factor was shown."""

    user: User
    second_factor: bool


@sensitive_variables("password", "otp")
def person_admit(request: HttpRequest, *, email: str, password: str, otp: str) -> Admission:
    """Return who these credentials are; Problem says what is missing and how to get it.

    What depends on the account is said only to whoever knows its password. Each call is
    counted as a try until it has succeeded, its password and its code where those of the
    pages are.
    """
    user = person_known(request, email=email, password=password)
    admission = Admission(user, _factor_shown(request, user, otp))
    attempt_succeeded(request, kind="token", account=email)
    return admission


@sensitive_variables("password")
def person_known(request: HttpRequest, *, email: str, password: str) -> User:
    """Return whose e-mail address and password these are; the second factor is not asked for."""
    attempt_check(request, kind="token", account=email)
    user = _known(request, email, password)
    if not EmailAddress.objects.filter(user=user, email__iexact=email, verified=True).exists():
        raise Problem(
            403,
            "email_unverified",
            _("The e-mail address is not confirmed. Sign in on the site once and enter the code."),
        )
    if user.must_change_password:
        raise password_change_required()
    return user


@sensitive_variables("password")
def _known(request: HttpRequest, email: str, password: str) -> User:
    try:
        user = get_adapter().authenticate(request, email=email, password=password)
    except ValidationError:  # allauth's own brake in front of ours
        raise Problem(
            429, "throttled", _("Too many attempts. Wait a minute and try again."), wait=60
        ) from None
    if user is None or not user.is_active:
        attempt_failed(request, kind="token", account=email)
        raise Problem(
            401, "invalid_credentials", _("The e-mail address or the password is not right.")
        )
    return user


@sensitive_variables("otp")
def _factor_shown(request: HttpRequest, user: User, otp: str) -> bool:
    """Return whether a code was asked for and right; without one nobody passes who has a factor."""
    if not has_factor(user):
        if settings.SECOND_FACTOR == "always":
            raise Problem(
                403,
                "factor_required",
                _("This site asks for a second factor. Sign in on the site and set one up first."),
            )
        return False
    if not otp:
        raise Problem(401, "otp_required", _("Send the code of your authenticator app as otp."))
    attempt_check(request, kind="code", account=user)
    if not code_verify(user=user, code=otp, request=request):
        attempt_failed(request, kind="code", account=user)
        audit.record(user, "factor.refuse", user, outcome="refused")
        raise Problem(
            401, "otp_invalid", _("The code is not right, or was used before. Wait for the next.")
        )
    attempt_succeeded(request, kind="code", account=user)
    return True
