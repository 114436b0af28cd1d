"""The one file that listens to signals, and only to those that Django and allauth send."""

from __future__ import annotations

from allauth.account.signals import password_changed, password_reset, password_set
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver

from accounts import audit
from accounts.throttle import attempts_forgive


@receiver(user_logged_in)
def on_login(sender, request, user, **kwargs) -> None:
    audit.record(user, "session.start", user, request_id=getattr(request, "request_id", ""))


@receiver(user_logged_out)
def on_logout(sender, request, user, **kwargs) -> None:
    if user is not None:
        audit.record(user, "session.end", user, request_id=getattr(request, "request_id", ""))


@receiver(user_login_failed)
def on_failure(sender, credentials, request=None, **kwargs) -> None:
    audit.record(
        None, "session.refuse", outcome="refused", request_id=getattr(request, "request_id", "")
    )


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
