"""Who asks, by token, by key or by the session of a page; imports no view."""

from __future__ import annotations

from django.utils.translation import gettext as _
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import TokenFamily, User
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
        user.is_verified = lambda: family.second_factor  # as django-otp says it of a session
        return user, family

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class PageSession(authentication.SessionAuthentication):
    """The session of our own pages, with its CSRF token; what is closed there is closed here."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        found = super().authenticate(request)
        if found is not None and found[0].must_change_password:
            raise AuthenticationFailed(
                _("The password is temporary. Change it on the site first."),
                "password_change_required",
            )
        return found


def credentials(request: Request, scheme: str) -> str | None:
    """Return what follows `scheme` in the Authorization header; None for another scheme."""
    header = request.META.get("HTTP_AUTHORIZATION", "")
    word, _space, rest = header.strip().partition(" ")
    if word.lower() != scheme:
        return None
    return rest.strip()
