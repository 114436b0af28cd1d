"""Addresses for MONAI Label clients: made and shown once, used for an hour, revoked."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import ApiKey, Department, LabelToken, Organisation, User
from accounts.services.api_keys import api_key_check
from accounts.tokens.reading import TokenRefused
from accounts.tokens.scopes import LABEL_SCOPES

MOST_LIVE = 10
FORGOTTEN_AFTER = timedelta(days=7)  # what was done with one stands in the trail
NOTED_EVERY = timedelta(minutes=1)
_FORM = re.compile(r"[A-Za-z0-9_-]{43}")


class TokenExists(Exception):
    """One with this id is there: the form was sent twice, and its address was shown."""


@transaction.atomic
def label_token_create(
    *,
    user: User,
    organisation: Organisation,
    department: Department | None = None,
    api_key: ApiKey | None = None,
    pk: UUID | None = None,
) -> tuple[LabelToken, str]:
    """Make a token for one place and return it with its text, shown only now.

    One that an API key asks for has no more scopes than the key. Called again with the same
    `pk` it raises TokenExists; ValidationError, in words, when too many are open.
    """
    User.objects.select_for_update().get(pk=user.pk)  # sent twice: one; counted right
    if pk is not None and LabelToken.objects.filter(pk=pk).exists():
        raise TokenExists
    if LabelToken.objects.live().filter(user=user).count() >= MOST_LIVE:
        said = _("%(n)d addresses are open. Revoke one, or wait until one has expired.")
        raise ValidationError(said % {"n": MOST_LIVE})
    secret = secrets.token_urlsafe(32)
    token = LabelToken.objects.create(
        id=pk or uuid4(),
        user=user,
        organisation=organisation,
        department=department,
        api_key=api_key,
        digest=_digest(secret),
        scopes=[one for one in LABEL_SCOPES if api_key is None or one in api_key.scopes],
        auth_version=user.auth_version,
        expires_at=now() + timedelta(minutes=settings.LABEL_TOKEN_MINUTES),
    )
    audit.record(user, "label_token.create", token)
    return token, secret


@transaction.atomic
def label_token_revoke(*, token: LabelToken, by: User) -> bool:
    """Close it: the next request with it is refused. Called twice, it changes nothing."""
    closed = LabelToken.objects.live().filter(pk=token.pk).update(revoked_at=now())
    if closed:
        audit.record(by, "label_token.revoke", token)
    return bool(closed)


def label_token_use(*, text: str, ip: str) -> LabelToken:
    """Return the live token that `text` is, with its user and place. Raises: TokenRefused."""
    found = LabelToken.objects.select_related(
        "user", "organisation__plan", "department", "api_key__account"
    )
    token = found.filter(digest=_digest(text)).first() if _FORM.fullmatch(text) else None
    if token is None:
        raise TokenRefused("token_invalid", _("This address does not exist. Make a new one."))
    try:
        _check(token, ip)
    except TokenRefused as refused:
        _record_refusal(token, refused.code)
        raise
    _note_use(token, ip)
    return token


def label_tokens_forget() -> int:
    """Delete the rows of tokens that ended a week ago; return how many."""
    return LabelToken.objects.filter(expires_at__lt=now() - FORGOTTEN_AFTER).delete()[0]


def _check(token: LabelToken, ip: str) -> None:
    if token.revoked_at is not None:
        raise TokenRefused("token_revoked", _("This address was revoked. Make a new one."))
    if token.expires_at <= now():
        raise TokenRefused("token_expired", _("This address has expired. Make a new one."))
    if token.api_key is not None:
        api_key_check(token.api_key, ip)
    elif not token.user.is_active or token.auth_version != token.user.auth_version:
        said = _("The account changed since this address was made. Make a new one.")
        raise TokenRefused("token_revoked", said)


def _note_use(token: LabelToken, ip: str) -> None:
    """Write when and from where, once a minute; the first time and a new address into the trail."""
    at, last, last_ip = now(), token.last_used_at, token.last_used_ip
    if last is not None and at - last < NOTED_EVERY and last_ip == ip:
        return
    with transaction.atomic():
        same = LabelToken.objects.filter(pk=token.pk, last_used_at=last)
        if same.update(last_used_at=at, last_used_ip=ip) and last_ip != ip:
            audit.record(token.user, "label_token.use", token)


@transaction.atomic
def _record_refusal(token: LabelToken, why: str) -> None:
    """Write a refusal into the trail, at most one a minute: a forgotten client knocks for days."""
    at = now()
    if token.last_refused_at is None or token.last_refused_at <= at - NOTED_EVERY:
        same = LabelToken.objects.filter(pk=token.pk, last_refused_at=token.last_refused_at)
        if same.update(last_refused_at=at):
            audit.record(token.user, "label_token.refuse", token, outcome="refused", reason=why)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
