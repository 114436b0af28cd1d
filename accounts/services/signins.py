"""What is written down, and who is told, when somebody signs in or fails to."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils.timezone import now

from accounts import audit
from accounts.models import AuditEvent, User
from accounts.services.notices import notice_send

MANY = 5  # wrong passwords before a right one: worth a notice
MEMORY = timedelta(days=180)  # as long as a device is remembered by its cookie
UNKNOWN_ADDRESS = "unknown"


@transaction.atomic
def signin_start(*, user: User, device: str, is_known: bool) -> AuditEvent:
    """Record a sign-in; tell its owner of a new device, or of many failures before it.

    `device` is in words, `is_known` whether its cookie was recognised. A device
    that looks the same at the same address is not new: a changed password makes
    the cookie invalid.
    """
    before = AuditEvent.objects.filter(action="session.start", target=f"user:{user.pk}")
    last = before.order_by("-at").values_list("at", flat=True).first()
    event = audit.record(user, "session.start", user, reason=device)
    if last is None:
        return event
    recent = before.filter(at__gt=now() - MEMORY, reason=device, ip=event.ip)
    place = {"ip": event.ip or UNKNOWN_ADDRESS}
    if not is_known and not recent.exclude(pk=event.pk).exists():
        audit.record(user, "device.new", user, reason=device)
        notice_send(to=user, kind="new_device", facts={"device": device, **place})
    failures = AuditEvent.objects.filter(
        action="session.refuse", target=f"user:{user.pk}", at__gt=last
    ).count()
    if failures >= MANY:
        facts = {"count": failures, **place}
        notice_send(to=user, kind="success_after_failures", facts=facts)
    return event


def signin_refuse(*, email: str, device: str) -> None:
    """Record a wrong password; for an address that nobody has, without a target."""
    user = User.objects.filter(email__iexact=email).first()
    audit.record(None, "session.refuse", user, outcome="refused", reason=device)


@transaction.atomic
def signin_disown(*, user: User, event: AuditEvent) -> None:
    """Record that `user` says of a sign-in that it was not them."""
    audit.record(user, "login.doubt", user, outcome="failed", reason=f"auditevent:{event.pk}")
