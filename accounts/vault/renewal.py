"""Keys that take the place of keys: one is made, the old one opens until it is destroyed."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.db import transaction
from django.utils.timezone import now

from accounts.vault.kek import current_kek
from accounts.vault.keys import (
    Scope,
    forget,
    key_make,
    key_unwrap,
    key_wrap,
    organisation_key,
    scope_of,
)
from accounts.vault.tables import VaultKey

ORGANISATION, PATIENT, INDEX = (
    VaultKey.Kind.ORGANISATION,
    VaultKey.Kind.PATIENT,
    VaultKey.Kind.INDEX,
)


@transaction.atomic
def organisation_key_renew(organisation_id: UUID) -> bool:
    """Give an organisation a new key; False while an older one still waits to be destroyed.

    So a rotation that was interrupted goes on when it is asked for again. The blind
    indexes keep their key: it gets a row of its own at the first renewal.
    """
    rows = VaultKey.objects.filter(organisation_id=organisation_id)
    current = organisation_key(organisation_id)
    rows.select_for_update().get(pk=current.kid)
    if rows.filter(kind=ORGANISATION, retired_at__isnull=False, destroyed_at=None).exists():
        return False
    if not rows.filter(kind=INDEX).exists():
        kid, scope = uuid4(), Scope(INDEX, organisation_id=organisation_id)
        VaultKey.objects.create(
            id=kid,
            kind=INDEX,
            organisation_id=organisation_id,
            **key_wrap(kid, scope, current.index),
        )
    _renew(Scope(ORGANISATION, organisation_id=organisation_id), current.kid)
    return True


@transaction.atomic
def patient_key_renew(row: VaultKey) -> bool:
    """Give a patient a new key in place of `row`; False when that is not the current one now."""
    if not VaultKey.objects.select_for_update().filter(
        pk=row.pk, retired_at=None, destroyed_at=None
    ):
        return False
    _renew(scope_of(row), row.pk)
    return True


def key_rewrap(row: VaultKey) -> bool:
    """Wrap a key under its parent as it is now; False when somebody was faster, or it is gone."""
    wrapped = key_wrap(row.pk, scope_of(row), key_unwrap(row))
    unchanged = VaultKey.objects.filter(pk=row.pk, wrapped_by=row.wrapped_by, destroyed_at=None)
    return bool(unchanged.update(**wrapped))


def keys_under_another_kek():
    """Return the keys of purposes and organisations that the current KEK has not wrapped."""
    keks = VaultKey.objects.exclude(kind=PATIENT).filter(destroyed_at=None)
    return keks.exclude(wrapped_by=current_kek().name)


def _renew(scope: Scope, kid: UUID) -> None:
    VaultKey.objects.filter(pk=kid).update(retired_at=now())
    forget(scope)
    key_make(scope)
