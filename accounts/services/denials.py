"""A 403 is an event: who wanted what, and which role was missing."""

from __future__ import annotations

from django.http import HttpRequest

from accounts import audit


def access_refused(request: HttpRequest, reason: str) -> None:
    """Record that the person of `request` was refused; the anonymous are sent away unnamed."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return
    place = getattr(request.resolver_match, "view_name", "") if request.resolver_match else ""
    said = f"{request.method} {place}: {reason}"
    audit.record(user, "access.refuse", outcome="refused", reason=said)
