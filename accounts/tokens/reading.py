"""From a token to the person it speaks for, as things stand at this request."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError

from accounts.tokens.jwts import Access, Refresh
from accounts.tokens.tables import TokenFamily


class TokenRefused(Exception):
    """The token opens nothing; `code` is for programs, the text for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def family_of_access(raw: str | bytes) -> TokenFamily:
    """Return the family, with its user, of a live access token; TokenRefused says why not."""
    return _live_family(_claims(Access, raw))


def family_of_refresh(raw: str | bytes) -> tuple[TokenFamily, str]:
    """Return the family of a live refresh token and the id of this token in it."""
    claims = _claims(Refresh, raw)
    return _live_family(claims), str(claims["jti"])


def _claims(kind: type[Access] | type[Refresh], raw: str | bytes) -> dict:
    try:
        return kind(raw).payload
    except ExpiredTokenError:
        raise TokenRefused("token_expired", _("The token has expired.")) from None
    except TokenError as error:
        why = error.__cause__ or error
        raise TokenRefused("token_invalid", _("The token is not valid. %s") % why) from None


def _live_family(claims: dict) -> TokenFamily:
    try:
        family = TokenFamily.objects.select_related("user").get(pk=UUID(str(claims["fam"])))
    except (ValueError, TokenFamily.DoesNotExist):
        raise _revoked() from None
    user = family.user
    if family.revoked_at is not None or not user.is_active or str(user.pk) != claims["sub"]:
        raise _revoked()
    if not claims["tv"] == family.auth_version == user.auth_version:
        raise _revoked()
    return family


def _revoked() -> TokenRefused:
    return TokenRefused(
        "token_revoked", _("The token was revoked, or the account changed. Sign in again.")
    )
