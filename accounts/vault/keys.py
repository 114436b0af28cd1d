"""The key ring: finds, makes and unwraps the keys of purposes, organisations and patients."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils.timezone import now

from accounts.vault.cipher import (
    DamagedKey,
    Key,
    VaultError,
    bound,
    new_secret,
    unwrap_key,
    wrap_key,
)
from accounts.vault.kek import current_kek, kek_named
from accounts.vault.key_cache import MOST, KeyCache
from accounts.vault.tables import VaultKey

PURPOSES = (
    "audit",
    "checkpoints",
    "jwt",
    "sessions",
    "mfa",
    "links",
    "registry",
    "throttle",
    "answers",
    "results",
    "reviews",
)
BATCH = 500  # keys fetched by one query

logger = logging.getLogger(__name__)
cache = KeyCache()
_seen = threading.local()


class KeyDestroyed(VaultError):
    """The key was destroyed on purpose: what it sealed cannot be read by anybody."""


class KeyUnknown(VaultError):
    """No key has this id: the row is missing, or belongs to another database."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose key it is: a purpose's, an organisation's, or one patient's."""

    kind: VaultKey.Kind
    purpose: str = ""
    organisation_id: UUID | None = None
    patient_id: UUID | None = None


def purpose_key(purpose: str) -> Key:
    """Return the key that seals and signs for `purpose`, one of PURPOSES, making it if need be."""
    if purpose not in PURPOSES:
        raise ValueError(f"{purpose!r} is not one of {', '.join(PURPOSES)}")
    return _current(Scope(VaultKey.Kind.PURPOSE, purpose=purpose))


@transaction.atomic
def purpose_key_rotate(purpose: str) -> Key:
    """Retire the key of `purpose`, which opens and verifies on, and return its successor.

    Other processes may go on with the old one until they forget it, within a minute.
    """
    scope = Scope(VaultKey.Kind.PURPOSE, purpose=purpose)
    old = VaultKey.objects.filter(kind=scope.kind, purpose=purpose, retired_at=None)
    old.update(retired_at=now())
    forget(scope)
    return key_make(scope)


def organisation_key(organisation_id: UUID) -> Key:
    """Return the key of an organisation, making it if need be."""
    return _current(Scope(VaultKey.Kind.ORGANISATION, organisation_id=organisation_id))


def index_key(organisation_id: UUID) -> bytes:
    """Return what an organisation's blind indexes are made with; a rotation does not change it.

    At the first rotation the index key of the key that was current then gets a row of
    its own. The organisation's key is asked for first: one that is newer than this
    answer brings that row with it.
    """
    scope = Scope(VaultKey.Kind.INDEX, organisation_id=organisation_id)
    held = cache.of_scope(scope)
    if held is None:
        current = organisation_key(organisation_id)
        held = _stored(scope) or current
        cache.put(held, scope)
    return held.index


def patient_key(organisation_id: UUID, patient_id: UUID) -> Key:
    """Return the key of one patient, making it if need be; KeyDestroyed after an erasure."""
    return _current(
        Scope(VaultKey.Kind.PATIENT, organisation_id=organisation_id, patient_id=patient_id)
    )


def owner_key(organisation_id: UUID, patient_id: UUID | None) -> Key:
    """Return the patient's key, or the organisation's where there is no patient."""
    if patient_id is None:
        return organisation_key(organisation_id)
    return patient_key(organisation_id, patient_id)


def key_by_id(kid: UUID) -> Key:
    """Return the key that a ciphertext names; with it, in one query, those noted by `expect`."""
    key = cache.by_id(kid)
    if key is None:
        key = _load(kid)
    return key


def expect(kid: UUID) -> None:
    """Note that `kid` came with a row just read, so that a page of rows costs one query."""
    expected = _expected()
    expected[kid] = None
    if len(expected) > MOST:
        del expected[next(iter(expected))]


@transaction.atomic
def patient_key_destroy(organisation_id: UUID, patient_id: UUID) -> int:
    """Destroy every key of a patient for good; other processes forget it within a minute."""
    keys = VaultKey.objects.filter(
        kind=VaultKey.Kind.PATIENT,
        organisation_id=organisation_id,
        patient_id=patient_id,
        destroyed_at=None,
    )
    count = keys.update(wrapped=None, destroyed_at=now())
    forget(Scope(VaultKey.Kind.PATIENT, organisation_id=organisation_id, patient_id=patient_id))
    return count


def forget(scope: Scope) -> None:
    """Let nobody in this process go on with the key that `scope` has had until now."""
    for hook in _new_keys():
        hook.void = hook.void or hook.scope == scope
    transaction.on_commit(cache.clear)
    cache.clear()


# --- finding


def _current(scope: Scope) -> Key:
    return cache.of_scope(scope) or _pending(scope) or _stored(scope) or key_make(scope)


def _stored(scope: Scope) -> Key | None:
    row = VaultKey.objects.filter(
        kind=scope.kind,
        purpose=scope.purpose,
        organisation_id=scope.organisation_id,
        patient_id=scope.patient_id,
        retired_at=None,
    ).first()
    if row is None:
        return None
    key = _unwrapped(row)
    cache.put(key, scope)
    return key


def _load(wanted: UUID) -> Key:
    """Fetch `wanted` with the next expected keys; only the trouble of `wanted` is raised."""
    rows = {row.pk: row for row in VaultKey.objects.filter(pk__in=[wanted, *_next_expected()])}
    if wanted not in rows:
        raise KeyUnknown(f"there is no key {wanted}")
    # organisations' keys first: they unwrap those of the patients
    for row in sorted(rows.values(), key=lambda row: row.kind == VaultKey.Kind.PATIENT):
        try:
            cache.put(_unwrapped(row))
        except VaultError:
            if row.pk == wanted:
                raise
            logger.warning("vault key %s does not open; nobody has asked for it yet", row.pk)
    key = cache.by_id(wanted)
    return key if key is not None else _unwrapped(rows[wanted])


def _next_expected() -> list[UUID]:
    """Take up to BATCH noted keys, in the order of their rows, that are not held yet."""
    expected, taken = _expected(), []
    while expected and len(taken) < BATCH:
        kid = next(iter(expected))
        del expected[kid]
        if cache.by_id(kid) is None:
            taken.append(kid)
    return taken


def _expected() -> dict[UUID, None]:
    if not hasattr(_seen, "kids"):
        _seen.kids = {}
    return _seen.kids


# --- making


def key_make(scope: Scope) -> Key:
    """Store a fresh key; of two that try at once one wins, and both return the winner's."""
    kid, secret = uuid4(), new_secret()
    key = Key.derived_from(kid, secret)
    wrapped = key_wrap(kid, scope, secret)
    try:
        with transaction.atomic():
            VaultKey.objects.create(
                id=kid,
                kind=scope.kind,
                purpose=scope.purpose,
                organisation_id=scope.organisation_id,
                patient_id=scope.patient_id,
                **wrapped,
            )
            transaction.on_commit(_Remember(key, scope))
    except IntegrityError:
        winner = _stored(scope)
        if winner is None:
            raise
        return winner
    return key


class _Remember:
    """A commit hook that puts a new key into the cache: never a key that was rolled back.

    Until the commit the hook itself is where the transaction finds its own new key.
    """

    def __init__(self, key: Key, scope: Scope) -> None:
        self.key, self.scope, self.void = key, scope, False

    def __call__(self) -> None:
        if not self.void:
            cache.put(self.key, self.scope)


def _pending(scope: Scope) -> Key | None:
    """Return the key that the open transaction made for `scope`."""
    found = (hook.key for hook in _new_keys() if hook.scope == scope and not hook.void)
    return next(found, None)


def _new_keys() -> list[_Remember]:
    """Return the hooks of the keys made in the open transaction; Django drops them on rollback."""
    hooks = (hook for _, hook, _ in transaction.get_connection().run_on_commit)
    return [hook for hook in hooks if isinstance(hook, _Remember)]


# --- wrapping


def key_wrap(kid: UUID, scope: Scope, secret: bytes) -> dict[str, Any]:
    """Return the columns that keep `secret` as key `kid` of `scope`, under its parent."""
    aad = _aad(kid, scope)
    if scope.kind == VaultKey.Kind.PATIENT:
        parent = organisation_key(scope.organisation_id)
        wrapped = wrap_key(parent.wrapping, secret, aad)
        return {"wrapped": wrapped, "wrapped_by": parent.kid.hex}
    kek = current_kek()
    return {"wrapped": kek.wrap(secret, aad), "wrapped_by": kek.name}


def key_unwrap(row: VaultKey) -> bytes:
    """Return the secret of a stored key. Raises KeyDestroyed, DamagedKey."""
    if row.destroyed_at is not None:
        raise KeyDestroyed(f"key {row.pk} was destroyed")
    aad = _aad(row.pk, scope_of(row))
    if row.kind == VaultKey.Kind.PATIENT:
        return unwrap_key(key_by_id(UUID(row.wrapped_by)).wrapping, bytes(row.wrapped), aad)
    try:
        return kek_named(row.wrapped_by).unwrap(bytes(row.wrapped), aad)
    except DamagedKey as error:
        raise DamagedKey(f"key {row.pk}: {error}") from None


def scope_of(row: VaultKey) -> Scope:
    return Scope(VaultKey.Kind(row.kind), row.purpose, row.organisation_id, row.patient_id)


def _unwrapped(row: VaultKey) -> Key:
    secret = key_unwrap(row)
    if row.kind == VaultKey.Kind.INDEX:
        return Key(row.pk, fields=b"", index=secret, wrapping=b"", signing=b"")
    return Key.derived_from(row.pk, secret)


def _aad(kid: UUID, scope: Scope) -> bytes:
    """Bind a wrapped key to its row: it cannot be passed off as another's."""
    owners = (str(scope.organisation_id or ""), str(scope.patient_id or ""))
    return bound("vault key v1", kid, str(scope.kind.value), scope.purpose, *owners)
