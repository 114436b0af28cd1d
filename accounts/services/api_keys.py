"""Keys for machines: made and shown once, used from where they may be, closed."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import ApiKey, Organisation, User
from accounts.services.machines import machine_named
from accounts.tokens.reading import TokenRefused
from accounts.tokens.scopes import SCOPES

LONGEST = timedelta(days=90)
NOTED_EVERY = timedelta(minutes=1)  # a busy key costs one write a minute, not one a request
_FORM = re.compile(r"([0-9a-f]{12})\.([A-Za-z0-9_-]{43})")


class KeyExists(Exception):
    """A key with this id is there: the form was sent twice, and its secret was shown."""


@transaction.atomic
def api_key_create(
    *,
    organisation: Organisation,
    name: str,
    scopes: Sequence[str],
    networks: Sequence[str],
    expires_at: datetime,
    by: User,
    pk: UUID | None = None,
    request_id: str = "",
) -> tuple[ApiKey, str]:
    """Make a key for the machine called `name` and return it with its text, shown only now.

    A machine that is there gets a further key, so that keys change without a gap.
    Called again with the same `pk` it raises KeyExists; ValueError for a scope that is
    not declared, none, or a life beyond 90 days.
    """
    if not scopes or not SCOPES.keys() >= set(scopes):
        raise ValueError(f"scopes must be some of {', '.join(SCOPES)}, not {list(scopes)}")
    if not now() < expires_at <= now() + LONGEST:
        raise ValueError(f"a key lives at most {LONGEST.days} days, not until {expires_at}")
    Organisation.objects.select_for_update(of=("self",)).get(pk=organisation.pk)  # sent twice: one
    if pk is not None and ApiKey.objects.filter(pk=pk).exists():
        raise KeyExists
    secret = secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        id=pk or uuid4(),
        account=machine_named(organisation=organisation, name=name, by=by, request_id=request_id),
        prefix=secrets.token_hex(6),
        digest=_digest(secret),
        scopes=sorted(scopes),
        networks=[str(ipaddress.ip_network(one, strict=False)) for one in networks],
        created_by=by,
        expires_at=expires_at,
    )
    audit.record(by, "api_key.create", key, reason=" ".join(key.scopes), request_id=request_id)
    return key, f"{key.prefix}.{secret}"


@transaction.atomic
def api_key_revoke(*, key: ApiKey, by: User, request_id: str = "") -> bool:
    """Close a key: the next request with it is refused. Called twice, it changes nothing."""
    closed = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now())
    if closed:
        audit.record(by, "api_key.revoke", key, request_id=request_id)
    return bool(closed)


def api_key_use(*, text: str, ip: str) -> ApiKey:
    """Return the live key that `text` is, with account, user and organisation.

    TokenRefused says why not, in detail only to whoever has the secret. What a key does
    is in the trail by itself; its first use of a day and from another address than the
    last, noticed at most once a minute, are lines of their own.
    """
    form = _FORM.fullmatch(text)
    prefix, secret = form.groups() if form else ("", "")
    keys = ApiKey.objects.select_related("account__user", "account__organisation")
    key = keys.filter(prefix=prefix).first()
    is_right = hmac.compare_digest(key.digest if key else _digest(""), _digest(secret))
    if key is None or not is_right:
        if key is not None:
            _record_refusal(key, "wrong secret")
        raise TokenRefused("key_invalid", _("This API key does not exist."))
    try:
        api_key_check(key, ip)
    except TokenRefused as why:
        _record_refusal(key, why.code)
        raise
    _note_use(key, ip)
    return key


def api_key_check(key: ApiKey, ip: str) -> None:
    """Raise TokenRefused unless the key is open today and may be used from `ip`."""
    if key.state == "revoked":
        raise TokenRefused("key_revoked", _("This API key was revoked."))
    if key.state == "expired":
        raise TokenRefused("key_expired", _("This API key has expired. Ask for a new one."))
    allowed = map(ipaddress.ip_network, key.networks)
    if key.networks and not any(ipaddress.ip_address(ip) in network for network in allowed):
        raise TokenRefused("key_address", _("This API key may not be used from %s.") % ip)


def _note_use(key: ApiKey, ip: str) -> None:
    """Write when and from where, once a minute; of many at once, one writes."""
    at, last, last_ip = now(), key.last_used_at, key.last_used_ip
    if last is not None and at - last < NOTED_EVERY:
        return
    with transaction.atomic():
        unchanged = Q(last_used_at=last) if last else Q(last_used_at=None)
        mine = ApiKey.objects.filter(unchanged, pk=key.pk).update(last_used_at=at, last_used_ip=ip)
        if mine and (last is None or last.date() != at.date() or last_ip != ip):
            audit.record(key.account.user, "api_key.use", key)


@transaction.atomic
def _record_refusal(key: ApiKey, why: str) -> None:
    """Write a refusal into the trail, at most one a minute: a forgotten program knocks for days."""
    at = now()
    quiet = Q(last_refused_at=None) | Q(last_refused_at__lte=at - NOTED_EVERY)
    if ApiKey.objects.filter(quiet, pk=key.pk).update(last_refused_at=at):
        audit.record(key.account.user, "api_key.refuse", key, outcome="refused", reason=why)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
