"""When a session ends by itself: too long without a hand on it, too old, or rights that changed."""

from __future__ import annotations

import time

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.services.sessions import SEEN, STARTED, VERSION

NOTE_AFTER_S = 60  # one write a minute tells well enough when somebody was last here
# Not "cookies": the session's own goes with the session, and the sign of a known device must stay,
# or strangers could lock out whoever signs out properly (docs/adr/0008).
CLEAR = '"cache", "storage"'


class SessionRules:
    """End what has ended before a page sees it; follow a session when its id changes."""

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        user, key = request.user, None
        if user.is_authenticated:
            if reason := why_ended(request):
                _end(request, reason)
            else:
                key = request.session.session_key
                _note_activity(request)
        response = self.get_response(request)
        if key is not None:
            _follow(request, key)
            if not request.user.is_authenticated:
                response["Clear-Site-Data"] = CLEAR
        return response


def why_ended(request) -> str:
    """Return "rights", "age" or "idle" when the session is over, "" while it lives."""
    session, at = request.session, time.time()
    if session.get(VERSION) != request.user.auth_version:
        return "rights"
    if at - session.get(STARTED, 0) >= settings.SESSION_COOKIE_AGE:
        return "age"
    if at - session.get(SEEN, 0) >= settings.SESSION_IDLE_S:
        return "idle"
    return ""


def is_poll(request) -> bool:
    """Say whether a page asked by itself: nobody's hand is needed for it."""
    return request.method == "GET" and ("HX-Request" in request.headers or "poll" in request.GET)


def _note_activity(request) -> None:
    at = time.time()
    if is_poll(request) or at - request.session[SEEN] < NOTE_AFTER_S:
        return
    request.session[SEEN] = at
    UserSession.objects.filter(session_key=request.session.session_key).update(last_seen_at=now())


def _end(request, reason: str) -> None:
    user, minutes = request.user, settings.SESSION_IDLE_S // 60
    sentences = {
        "rights": _("You were signed out because your account was changed. Sign in again."),
        "age": _("You were signed out: a session lasts twelve hours. Sign in again."),
        "idle": _("You were signed out after %(minutes)s minutes without activity.")
        % {"minutes": minutes},
    }
    audit.record(user, "session.expire", user, reason=reason)
    UserSession.objects.filter(session_key=request.session.session_key).delete()
    request.session.flush()
    request.user = AnonymousUser()
    messages.info(request, sentences[reason])


def _follow(request, old: str) -> None:
    """Keep the list of sessions true when an id was renewed or a session was closed."""
    new = request.session.session_key
    if new == old:
        return
    listed, is_open = UserSession.objects.filter(session_key=old), request.user.is_authenticated
    if is_open and not UserSession.objects.filter(session_key=new).exists():
        listed.update(session_key=new)
    else:
        listed.delete()
