"""A device that its owner signed in on before: a signed cookie, so that strangers cannot lock it.

The cookie holds one token for each account used on it, at most SHARED: a ward's
workstation serves many people. A token is bound to the account and to its
password; it lets nobody in, it only counts the device's tries apart.
"""

from __future__ import annotations

import base64
import secrets
from uuid import UUID

from django.conf import settings

from accounts.vault.cipher import VaultError, bound
from accounts.vault.purposes import purpose_sign, purpose_verify

PURPOSE = "throttle"
SHARED = 8
LIFETIME_S = 180 * 24 * 3600
_BETWEEN = "~"


def device_of(request, user) -> str | None:
    """Return the id of the device, if its cookie says that `user` signed in on it."""
    return next((_device(token) for token in _tokens(request) if _is_of(token, user)), None)


def device_remember(request, response, user) -> None:
    """Let `response` carry the sign that `user` has signed in on this device."""
    tokens = _tokens(request)
    mine = next((token for token in tokens if _is_of(token, user)), None) or _token(user)
    others = [token for token in tokens if token != mine]
    response.set_cookie(
        cookie_name(),
        _BETWEEN.join([mine, *others][:SHARED]),
        max_age=LIFETIME_S,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def cookie_name() -> str:
    return "__Host-device" if settings.SESSION_COOKIE_SECURE else "device"


def _tokens(request) -> list[str]:
    text = request.COOKIES.get(cookie_name(), "")
    return [token for token in text.split(_BETWEEN) if token.count(".") == 2][:SHARED]


def _token(user) -> str:
    device = secrets.token_urlsafe(16)
    kid, mac = purpose_sign(PURPOSE, _message(device, user))
    return f"{device}.{kid.hex}.{base64.urlsafe_b64encode(mac).decode('ascii')}"


def _is_of(token: str, user) -> bool:
    device, kid, mac = token.split(".")
    try:
        signature = base64.urlsafe_b64decode(mac)
        return purpose_verify(PURPOSE, _message(device, user), UUID(kid), signature)
    except (ValueError, VaultError):  # forged, or signed with a key of another database
        return False


def _device(token: str) -> str:
    return token.partition(".")[0]


def _message(device: str, user) -> bytes:
    return bound("known device v1", device, str(user.pk), user.get_session_auth_hash())
