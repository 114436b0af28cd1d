"""The live sessions of a person, as their owner should see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils.timezone import now

from accounts.audit.devices import device_words
from accounts.models import TokenFamily


@dataclass(frozen=True, slots=True)
class LiveSession:
    """Where somebody is signed in; no key and no text of the browser's own leaves here."""

    pk: int
    device: str
    ip: str
    started_at: datetime
    seen_at: datetime
    is_current: bool


def programs_of(user) -> QuerySet[TokenFamily]:
    """Return the sign-ins of programs by token that open something now, the newest first."""
    families = TokenFamily.objects.filter(user=user, auth_version=user.auth_version)
    return families.filter(revoked_at=None, expires_at__gt=now())


def sessions_of(user, *, current: str | None = None) -> list[LiveSession]:
    """Return the sessions of `user` that have not ended, this one first, then the newest."""
    alive = Session.objects.filter(expire_date__gt=now()).values("session_key")
    awake = now() - timedelta(seconds=settings.SESSION_IDLE_S)
    rows = UserSession.objects.filter(user=user, session_key__in=alive, last_seen_at__gt=awake)
    listed = [
        LiveSession(
            row.pk, device_words(row.user_agent), row.ip, row.created_at, row.last_seen_at,
            row.session_key == current,
        )
        for row in rows.order_by("-created_at")
    ]  # fmt: skip
    return sorted(listed, key=lambda one: not one.is_current)
