"""Tries at a secret: each is counted before it is made, and given back when it proves right.

Callers ask `attempt_check` first, try, and say how it went. What is not said
stays counted. A try must not stand inside a transaction that may roll back, for
the count would go with it: that is refused with a RuntimeError.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from uuid import uuid4

from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils.timezone import now

from accounts import audit
from accounts.attempt_tables import AttemptCounter
from accounts.throttle import counters
from accounts.throttle.addresses import client_ip, network_of
from accounts.throttle.counters import Counter, Scope
from accounts.throttle.devices import PURPOSE, device_of
from accounts.vault.cipher import bound
from accounts.vault.purposes import purpose_sign

# Kinds that share a counter guess at the same secret. A token call is counted by itself and,
# inside it, its password and its code where every password and code is.
KINDS = {
    "password": "password",
    "reauthenticate": "password",
    "token": "token",
    "code": "code",  # of a second factor
    "reset": "reset",  # the code that was mailed
    "mail": "mail",  # letters asked for without proof
}


@dataclass(frozen=True, slots=True)
class Charge:
    """What one try was counted on."""

    own: Counter
    address: Counter | None


def attempt_check(request, *, kind: str, account) -> None:
    """Count a try at `account`, a person or the e-mail address that was typed.

    Raises TooManyAttempts when its account, device or address has to wait; for
    addresses that nobody has exactly as for others. Called again for the same
    try of the same request, it does nothing.
    """
    name, user = _resolved(account)
    pending = _pending(request)
    if (KINDS[kind], name) in pending:
        return
    charge = _charge_for(request, KINDS[kind], name, user)
    moment = now()
    with transaction.atomic(durable=True):
        for counter in (charge.address, charge.own):
            if counter is not None:
                counters.charge(counter, moment)
    pending[KINDS[kind], name] = charge


def attempt_failed(request, *, kind: str, account) -> None:
    """Leave the try counted; the first wait of a series is written down, for its owner too."""
    attempt_check(request, kind=kind, account=account)
    name, user = _resolved(account)
    charge = _pending(request).pop((KINDS[kind], name))
    moment = now()
    with transaction.atomic(durable=True):
        if counters.lock(charge.own, moment):
            _record(request, user, charge.own)
        if charge.address is not None and counters.lock(charge.address, moment):
            _record(request, None, charge.address)


@transaction.atomic
def attempt_succeeded(request, *, kind: str, account) -> None:
    """Give the try back: the account's or the device's count begins anew."""
    name, user = _resolved(account)
    charge = _pending(request).pop((KINDS[kind], name), None)
    charge = charge or _charge_for(request, KINDS[kind], name, user)
    counters.forget(charge.own)
    if charge.address is not None:
        counters.refund(charge.address)


def attempts_forgive(user) -> int:
    """Forget the wrong passwords and unanswered letters of `user`, on every device."""
    kinds = ("password", "token", "mail", "reset")
    return AttemptCounter.objects.filter(user=user, kind__in=kinds).delete()[0]


# --- whose try it is


def _resolved(account) -> tuple[str, object | None]:
    """Return the name under which tries are counted, and the person, if there is one.

    The same three look-ups are made for every address, so that the time says nothing.
    """
    if not isinstance(account, str):
        return str(account.pk), account
    email = unicodedata.normalize("NFKC", account).strip().lower()
    addresses = EmailAddress.objects.filter(email=email).order_by("-verified", "-primary")
    people = get_user_model().objects
    first = addresses.values_list("user_id", flat=True).first()
    second = people.filter(Exact(Lower("email"), email)).values_list("pk", flat=True).first()
    owner = people.filter(pk=first or second or uuid4()).first()
    return (str(owner.pk) if owner is not None else email), owner


def _charge_for(request, kind: str, name: str, user) -> Charge:
    """A known device counts for itself alone; others count on the account and the address.

    For an address that nobody has, the cookie's tokens are checked as well, against nobody.
    """
    device = device_of(request, user or get_user_model()())
    user_id = user.pk if user is not None else None
    if device is not None:
        return Charge(Counter(_key("device", kind, device), Scope.DEVICE, kind, user_id), None)
    own = Counter(_key("account", kind, name), Scope.ACCOUNT, kind, user_id)
    if any(charge.address for charge in _pending(request).values()):
        return Charge(own, None)  # one request is one try of its address
    network = network_of(client_ip(request))
    return Charge(own, Counter(_key("address", network), Scope.ADDRESS, "any"))


def _key(*parts: str) -> str:
    return purpose_sign(PURPOSE, bound(*parts))[1].hex()


def _pending(request) -> dict[tuple[str, str], Charge]:
    """The tries of this request that are under way; DRF's request wraps Django's."""
    request = getattr(request, "_request", request)
    if not hasattr(request, "_attempts"):
        request._attempts = {}
    return request._attempts


def _record(request, user, counter: Counter) -> None:
    reason = f"too many tries: {counter.kind}, {counter.scope.value}"
    request_id = getattr(request, "request_id", "")
    audit.record(
        None, "session.throttle", user, outcome="refused", reason=reason, request_id=request_id
    )
