"""The one file that listens to signals, and only to those that Django and allauth send."""

from __future__ import annotations

import time

import django_otp
from allauth.account.authentication import get_authentication_records
from allauth.account.signals import (
    authentication_step_completed,
    email_changed,
    password_changed,
    password_reset,
    password_set,
)
from allauth.mfa import app_settings as mfa
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
    authenticator_used,
)
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.signals import request_finished
from django.db.models.signals import post_save
from django.dispatch import receiver

from accounts import audit
from accounts.audit.devices import device_words
from accounts.models import AllauthDevice
from accounts.proof import FACTOR, METHODS, proof_note
from accounts.services.notices import notice_send
from accounts.services.revocation import auth_version_raise
from accounts.services.sessions import session_begin
from accounts.services.signins import signin_refuse, signin_start
from accounts.throttle import attempts_forgive
from accounts.throttle.devices import device_of
from accounts.vault.damage import damages_tell


@receiver(user_logged_in)
def on_login(sender, request, user, **kwargs) -> None:
    session_begin(request=request, user=user)
    known = device_of(request, user) is not None
    signin_start(user=user, device=_device(request), is_known=known)


@receiver(user_logged_out)
def on_logout(sender, request, user, **kwargs) -> None:
    if user is not None:
        audit.record(user, "session.end", user, request_id=getattr(request, "request_id", ""))


@receiver(user_login_failed)
def on_failure(sender, credentials, request=None, **kwargs) -> None:
    signin_refuse(email=credentials.get("email") or "", device=_device(request))


@receiver(password_reset)
def on_proven_mailbox(sender, request, user, **kwargs) -> None:
    """Whoever could answer the letter is let go on; tries at a second factor stay counted."""
    attempts_forgive(user)


@receiver([password_changed, password_reset, password_set])
def on_new_password(sender, request, user, **kwargs) -> None:
    if user.must_change_password:
        user.must_change_password = False
        user.save(update_fields=["must_change_password"])
    audit.record(user, "password.change", user, request_id=getattr(request, "request_id", ""))
    notice_send(to=user, kind="credential_changed", facts={"what": "password"})
    auth_version_raise(user=user, request=request)


@receiver(email_changed)
def on_new_address(sender, request, user, **kwargs) -> None:
    audit.record(user, "email.change", user)
    notice_send(to=user, kind="credential_changed", facts={"what": "e-mail address"})
    auth_version_raise(user=user, request=request)


@receiver(post_save, sender=Authenticator)
def on_authenticator_saved(sender, instance, created, raw=False, **kwargs) -> None:
    """Build the bridge; the code that enrolled a factor does not sign in as well."""
    if created and not raw:
        AllauthDevice.objects.create(
            user=instance.user,
            authenticator=instance,
            name=instance.type,
            last_step=int(time.time()) // mfa.TOTP_PERIOD,
        )


@receiver(user_logged_in)
def on_login_with_factor(sender, request, user, **kwargs) -> None:
    """A login that used a factor is a verified session."""
    records = get_authentication_records(request, user)
    used = [record["id"] for record in records if record["method"] == "mfa"]
    device = (
        AllauthDevice.objects.filter(user=user, authenticator=used[-1]).first() if used else None
    )
    if device is not None:
        request.user = user
        django_otp.login(request, device)


@receiver(authenticator_used)
def on_factor_used(sender, request, user, authenticator, reauthenticated=False, **kwargs) -> None:
    is_recovery = authenticator.type == Authenticator.Type.RECOVERY_CODES
    if is_recovery:
        audit.record(user, "factor.code_used", authenticator)
        left = len(authenticator.wrap().get_unused_codes())
        notice_send(to=user, kind="recovery_code_used", facts={"left": left})
    if reauthenticated or not is_recovery:
        django_otp.login(request, authenticator.otp_device)


@receiver(authenticator_added)
def on_factor_added(sender, request, user, authenticator, **kwargs) -> None:
    """Whoever enrolls has just shown the factor; their other sessions have not."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        audit.record(user, "factor.codes", authenticator)
        return
    audit.record(user, "factor.add", authenticator, reason=authenticator.type)
    notice_send(to=user, kind="factor_added", facts={"factor": authenticator.get_type_display()})
    auth_version_raise(user=user, request=request)
    django_otp.login(request, authenticator.otp_device)
    proof_note(request, FACTOR)


@receiver([authenticator_removed, authenticator_reset])
def on_factor_gone(sender, request, user, authenticator, signal, **kwargs) -> None:
    if signal is authenticator_reset:
        audit.record(user, "factor.codes", authenticator)
    else:
        audit.record(user, "factor.remove", user, reason=authenticator.type)
        factor = authenticator.get_type_display()
        notice_send(to=user, kind="factor_removed", facts={"factor": factor})
    auth_version_raise(user=user, request=request)


@receiver(authentication_failed)
def on_factor_refused(sender, user, authenticator, **kwargs) -> None:
    audit.record(user, "factor.refuse", authenticator, outcome="refused")


@receiver(authentication_step_completed)
def on_proof(sender, request, method, user, **kwargs) -> None:
    """A password or a code that was right just now, at a login or at a step-up."""
    if method in METHODS:
        proof_note(request, METHODS[method])
        if request.user.is_authenticated:
            audit.record(user, "session.confirm", user, reason=METHODS[method])


@receiver(request_finished)
def on_the_end_of_a_request(sender, **kwargs) -> None:
    """What did not decrypt within a transaction is written down now that it is over."""
    damages_tell()


def _device(request) -> str:
    return device_words(request.META.get("HTTP_USER_AGENT", "")) if request is not None else ""
