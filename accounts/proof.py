"""How long ago this session last proved whose it is: password, and code where one is enrolled."""

from __future__ import annotations

import time

from django.conf import settings
from django.http import HttpRequest

from accounts.services.factors import has_factor

PASSWORD, FACTOR = "password", "factor"
SESSION_KEY = "proof"
METHODS = {"password": PASSWORD, "mfa": FACTOR}  # allauth's names, of a login or a step-up


def proof_note(request: HttpRequest, what: str) -> None:
    """Remember that the person has just shown `what`: PASSWORD or FACTOR."""
    request.session[SESSION_KEY] = request.session.get(SESSION_KEY, {}) | {what: time.time()}


def is_fresh(request: HttpRequest) -> bool:
    """Say whether all that this person can show was shown in the last five minutes."""
    if not request.user.is_authenticated:
        return False
    needed = (PASSWORD, FACTOR) if has_factor(request.user) else (PASSWORD,)
    shown = request.session.get(SESSION_KEY, {})
    oldest = time.time() - settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    return all(shown.get(what, 0) > oldest for what in needed)
