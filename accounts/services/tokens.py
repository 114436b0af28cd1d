"""Sign-ins through the API: issue a pair, exchange it, close it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import TokenFamily, User, VaultKey
from accounts.services.notices import notice_send
from accounts.tokens.jwts import RESERVED, Access, Refresh
from accounts.tokens.reading import TokenRefused, family_of_refresh
from accounts.tokens.ring import PURPOSE
from accounts.vault.keys import purpose_key_rotate

ACCESS_LIFETIME = Access.lifetime
REFRESH_LIFETIME = Refresh.lifetime
FAMILY_LIFETIME = timedelta(days=7)  # then the person signs in again, factor and all
KEPT = timedelta(days=30)  # how long the row of an ended family stays


@dataclass(frozen=True, slots=True)
class Pair:
    """What a sign-in gets, once: nothing of it is stored."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    access_expires_at: datetime
    refresh_expires_at: datetime


@transaction.atomic
def tokens_issue(*, user: User, second_factor: bool, request_id: str = "") -> Pair:
    """Open a family for `user` and return its first pair; each call is a sign-in of its own."""
    at = now().replace(microsecond=0)
    TokenFamily.objects.filter(user=user, ends_at__lt=at - KEPT).delete()
    family = TokenFamily.objects.create(
        user=user,
        jti=uuid4().hex,
        auth_version=user.auth_version,
        second_factor=second_factor,
        refreshed_at=at,
        expires_at=at + REFRESH_LIFETIME,
        ends_at=at + FAMILY_LIFETIME,
    )
    audit.record(user, "token.issue", family, request_id=request_id)
    return _pair(family, at)


def tokens_refresh(*, raw: str, request_id: str = "") -> Pair:
    """Exchange a refresh token for a new pair: of two that try at once, one wins.

    A token that was exchanged before is a copy: its family is closed, the trail told,
    and TokenRefused raised, as for every other token that opens nothing.
    """
    family, jti = family_of_refresh(raw)
    at = now().replace(microsecond=0)
    family.expires_at = min(at + REFRESH_LIFETIME, family.ends_at)
    fresh = uuid4().hex
    with transaction.atomic():
        # the row's own columns only: PostgreSQL re-checks those, and no join, after a wait
        won = TokenFamily.objects.filter(
            pk=family.pk, jti=jti, revoked_at=None, ends_at__gt=now()
        ).update(jti=fresh, refreshed_at=at, expires_at=family.expires_at)
        if won:
            audit.record(family.user, "token.refresh", family, request_id=request_id)
    if not won:
        raise _refused(family, request_id)
    family.jti = fresh
    return _pair(family, at)


@transaction.atomic
def family_revoke(*, family: TokenFamily, by: User | None, request_id: str = "") -> bool:
    """Close a family: its tokens open nothing from the next request on. Twice changes nothing."""
    return _close(family, TokenFamily.Reason.REVOKED, "token.revoke", by, "ok", request_id)


@transaction.atomic
def access_issue(
    *, user: User, lifetime: timedelta, claims: dict, request_id: str = ""
) -> tuple[str, TokenFamily]:
    """Return an access token made on the command line, and the family that revokes it.

    It has no refresh token and has proved no second factor. ValueError for a claim that
    says who, for what or how long.
    """
    taken = sorted(RESERVED & claims.keys())
    if taken:
        raise ValueError(", ".join(taken))
    at = now().replace(microsecond=0)
    family = TokenFamily.objects.create(
        user=user,
        jti=uuid4().hex,
        auth_version=user.auth_version,
        refreshed_at=at,
        expires_at=at + lifetime,
        ends_at=at + lifetime,
    )
    audit.record(user, "token.issue", family, reason="command line", request_id=request_id)
    token = _filled(Access(), family, at, at + lifetime)
    token.payload |= claims
    return str(token), family


@transaction.atomic
def signing_key_rotate() -> str:
    """Let a new key sign and return its id; tokens under the old one live out their time."""
    key = purpose_key_rotate(PURPOSE)
    audit.record(None, "key.rotate", VaultKey.objects.get(pk=key.kid), reason=PURPOSE)
    return key.kid.hex


def _refused(family: TokenFamily, request_id: str) -> TokenRefused:
    """Say why an exchange changed no row; when it was a second use, close the family first."""
    family.refresh_from_db()
    if family.revoked_at is None and family.ends_at > now():
        with transaction.atomic():
            reused = TokenFamily.Reason.REUSED
            if _close(family, reused, "token.reuse", family.user, "refused", request_id):
                notice_send(to=family.user, kind="token_reuse")
    return TokenRefused(
        "token_revoked",
        _("This refresh token was used before or its sign-in has ended. Sign in again."),
    )


def _close(family, reason: str, action: str, by, outcome: str, request_id: str) -> bool:
    closed = TokenFamily.objects.filter(pk=family.pk, revoked_at=None).update(
        revoked_at=now(), revoked_reason=reason
    )
    if closed:
        audit.record(by, action, family, outcome=outcome, request_id=request_id)
    return bool(closed)


def _pair(family: TokenFamily, at: datetime) -> Pair:
    ends = min(at + ACCESS_LIFETIME, family.ends_at)
    refresh = _filled(Refresh(), family, at, family.expires_at)
    refresh["jti"] = family.jti
    return Pair(
        access=str(_filled(Access(), family, at, ends)),
        refresh=str(refresh),
        access_expires_at=ends,
        refresh_expires_at=family.expires_at,
    )


def _filled(token, family: TokenFamily, at: datetime, ends: datetime):
    """Write who, from when and until when into `token`."""
    token["sub"] = str(family.user_id)
    token["tv"] = family.auth_version
    token["fam"] = str(family.pk)
    token["iat"] = token["nbf"] = int(at.timestamp())
    token["exp"] = int(ends.timestamp())
    return token
