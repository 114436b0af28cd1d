"""Who asks, by token, by key or by the session of a page; imports no view."""

from __future__ import annotations

from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiKey, TokenFamily, User
from accounts.services.api_keys import api_key_use
from accounts.throttle import client_ip
from accounts.tokens.reading import TokenRefused, family_of_access


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer <access token>`; revocation acts at this very request."""

    scheme = "bearer"

    def authenticate(self, request: Request) -> tuple[User, TokenFamily] | None:
        raw = credentials(request, self.scheme)
        if raw is None:
            return None
        try:
            family = family_of_access(raw)
        except TokenRefused as refused:
            raise AuthenticationFailed(str(refused), refused.code) from None
        user = family.user
        user.otp_device = family if family.second_factor else None  # as django-otp has it
        return user, family

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class ApiKeyAuthentication(authentication.BaseAuthentication):
    """`Authorization: Api-Key <prefix>.<secret>`; a scheme of its own, beside Bearer."""

    scheme = "api-key"

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        raw = credentials(request, self.scheme)
        if raw is None:
            return None
        try:
            key = api_key_use(text=raw, ip=client_ip(request))
        except TokenRefused as refused:
            raise AuthenticationFailed(str(refused), refused.code) from None
        user = key.account.user
        user.scopes, user.otp_device = frozenset(key.scopes), None
        return user, key

    def authenticate_header(self, request: Request) -> str:
        return 'Api-Key realm="api"'


class PageSession(authentication.SessionAuthentication):
    """The session of our own pages, with its CSRF token."""


def credentials(request: Request, scheme: str) -> str | None:
    """Return what follows `scheme` in the Authorization header; None for another scheme."""
    header = request.META.get("HTTP_AUTHORIZATION", "")
    word, _space, rest = header.strip().partition(" ")
    if word.lower() != scheme:
        return None
    return rest.strip()
