"""Sessions of a person: begun at a login, renewed at a change, ended by their owner or by us."""

from __future__ import annotations

import time

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest

from accounts import audit
from accounts.models import User

VERSION, STARTED, SEEN = "auth_version", "started", "seen"


def session_begin(*, request: HttpRequest, user: User) -> None:
    """Note in the session when it began, and under which version of the account's rights."""
    request.session[VERSION] = user.auth_version
    request.session[STARTED] = request.session[SEEN] = time.time()


def session_renew(*, request: HttpRequest, user: User) -> None:
    """Give the session a new id and the account's newest version; the old id opens nothing."""
    old = request.session.session_key
    request.session.cycle_key()
    request.session[VERSION] = user.auth_version
    listed = UserSession.objects.filter(session_key=old)
    listed.update(session_key=request.session.session_key)


@transaction.atomic
def sessions_end(*, user: User, only: int | None = None, keep: str | None = None) -> int:
    """Delete the sessions of `user`: all, the one listed as `only`, or all but the key `keep`.

    Called again it finds nothing and returns 0.
    """
    listed = UserSession.objects.filter(user=user)
    listed = listed if only is None else listed.filter(pk=only)
    ended = list(listed.exclude(session_key=keep).values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=ended).delete()
    UserSession.objects.filter(session_key__in=ended).delete()
    return len(ended)


@transaction.atomic
def session_revoke(*, user: User, only: int | None = None, keep: str | None = None) -> int:
    """End sessions at their owner's wish, which stands in the trail."""
    count = sessions_end(user=user, only=only, keep=keep)
    if count:
        audit.record(user, "session.revoke", user, reason=f"{count} ended")
    return count
