"""Keys are rotated: wrapped anew, or all that lies under them encrypted anew, while people work.

What is done stands in the ciphertexts themselves, which name their key: nothing else is
remembered, so a rotation may be killed at any moment and asked for again. Old keys open
until `keys_retire` has seen that nothing needs them.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

from django.apps import apps
from django.db import models, transaction
from django.utils.timezone import now

from accounts import audit
from accounts.models import Blob, Organisation, VaultKey
from accounts.vault.cipher import VaultError, sealed_kid
from accounts.vault.fields import Sealed, SealedTextField
from accounts.vault.keys import KeyDestroyed, cache, organisation_key, owner_key
from accounts.vault.ledger import ledger_rewrap
from accounts.vault.reading import blob_kid
from accounts.vault.renewal import (
    key_rewrap,
    keys_under_another_kek,
    organisation_key_renew,
    patient_key_renew,
)
from accounts.vault.storage import blob_open, blob_rekey

ROWS = 100  # in one transaction: others wait for no more
RETIRE_AFTER = timedelta(hours=1)  # longer than a key is remembered, or a staged file waits
Tell = Callable[[str, int], None]  # what was done, how many

logger = logging.getLogger(__name__)


def silent(what: str, count: int) -> None:
    """Tell nobody."""


def kek_rotate(*, tell: Tell = silent) -> int:
    """Wrap every key of purposes and organisations under the current KEK; return how many."""
    count = 0
    for row in list(keys_under_another_kek()):
        count += key_rewrap(row)
        tell("keys", 1)
    count += ledger_rewrap()
    if count:
        audit.record(None, "key.rotate", reason=f"{count} keys under another KEK")
    return count


def organisation_rotate(
    *, organisation: Organisation, fields: bool = False, tell: Tell = silent
) -> Counter:
    """Encrypt under a new key of the organisation what lies under it; return counts.

    fields  the patients too get new keys, and every field and file is encrypted anew.

    While an earlier rotation is not retired it is carried on instead. Counts name
    "keys", "values", "files", and "failed", which are logged by row id.
    """
    if organisation_key_renew(organisation.pk):
        audit.record(None, "key.rotate", organisation, organisation=organisation)
    done: Counter = Counter()
    for what, count in _steps(organisation, fields):
        done[what] += count
        tell(what, count)
    return done


def rotation_pending(organisation: Organisation) -> Counter:
    """Count what lies under a key that is not its owner's current one; nothing is changed."""
    count: Counter = Counter(keys=_patient_keys_under_another(organisation).count())
    for model in sealed_models():
        for rows in _batches(model, organisation):
            count["values"] += sum(len(_stale(row)) for row in rows)
    for blobs in _batches(Blob, organisation):
        count["files"] += sum(map(_is_stale, blobs))
    return count


def rotation_verify(organisation: Organisation, *, tell: Tell = silent) -> list[str]:
    """Open every sealed value and the ends of every file; return what does not open, by id."""
    broken = []
    for model in sealed_models():
        for rows in _batches(model, organisation):
            broken += [name for row in rows for name in _broken_values(row)]
            tell("values", len(rows))
    for blobs in _batches(Blob, organisation):
        broken += [f"blob:{blob.pk}" for blob in blobs if not _opens(blob)]
        tell("files", len(blobs))
    return broken


def keys_retire(*, organisation: Organisation, after: timedelta = RETIRE_AFTER) -> int:
    """Destroy the old keys under which nothing lies any more; return how many.

    Only keys that were replaced longer than `after` ago: until then a process may
    still hold one. Raises VaultError while anything needs one of them.
    """
    pending = +rotation_pending(organisation)
    if pending:
        told = ", ".join(f"{count} {what}" for what, count in pending.items())
        raise VaultError(f"{told} are still under an old key. Run the rotation again.")
    old = keys_replaced(organisation)
    with transaction.atomic():
        count = old.filter(retired_at__lt=now() - after).update(wrapped=None, destroyed_at=now())
        if count:
            audit.record(None, "key.retire", organisation, organisation=organisation)
            transaction.on_commit(cache.clear)
    cache.clear()
    return count


def keys_replaced(organisation: Organisation) -> models.QuerySet[VaultKey]:
    """Return the keys that open but seal no more."""
    replaced = VaultKey.objects.filter(organisation=organisation, destroyed_at=None)
    return replaced.filter(retired_at__isnull=False)


def sealed_models() -> list[type[models.Model]]:
    """Return the models that have a sealed field, wherever they live."""
    return [model for model in apps.get_models() if _sealed_names(model)]


def _steps(organisation: Organisation, fields: bool) -> Iterator[tuple[str, int]]:
    for rows in _in_batches(_patient_keys_under_another(organisation)):
        yield from (("keys", key_rewrap(row)) for row in rows)
    if fields:
        for row in _patient_keys_before_renewal(organisation):
            yield "keys", patient_key_renew(row)
    for model in sealed_models():
        for rows in _batches(model, organisation):
            yield from _resealed(model, [row.pk for row in rows if _stale(row)])
    for blobs in _batches(Blob, organisation):
        yield from (_refiled(blob) for blob in blobs if _is_stale(blob))


def _patient_keys(organisation: Organisation):
    return VaultKey.objects.filter(
        kind=VaultKey.Kind.PATIENT, organisation=organisation, destroyed_at=None
    )


def _patient_keys_under_another(organisation: Organisation):
    return _patient_keys(organisation).exclude(wrapped_by=organisation_key(organisation.pk).kid.hex)


def _patient_keys_before_renewal(organisation: Organisation) -> list[VaultKey]:
    renewed_at = VaultKey.objects.get(pk=organisation_key(organisation.pk).kid).created_at
    return list(_patient_keys(organisation).filter(retired_at=None, created_at__lt=renewed_at))


def _batches(model: type[models.Model], organisation: Organisation) -> Iterator[list]:
    """Yield the rows of an organisation in the order of their keys, ROWS at a time."""
    return _in_batches(model._base_manager.filter(organisation=organisation))


def _in_batches(rows: models.QuerySet) -> Iterator[list]:
    """Yield rows in the order of their keys, ROWS at a time, each batch read to its end.

    SQLite refuses a write beside a reading that is still open once another process has written.
    """
    rows = rows.order_by("pk")
    batch = list(rows[:ROWS])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1].pk)[:ROWS])


def _sealed_names(model: type[models.Model]) -> list[str]:
    return [
        field.attname for field in model._meta.concrete_fields if isinstance(field, SealedTextField)
    ]


def _stale(row: models.Model) -> list[str]:
    """Return the sealed columns of `row` that name another key than their owner's current one."""
    sealed = {
        name: row.__dict__[name].text
        for name in _sealed_names(type(row))
        if isinstance(row.__dict__.get(name), Sealed)
    }
    if not sealed:
        return []
    try:
        current = owner_key(row.organisation_id, getattr(row, "vault_patient_id", None)).kid
        return [name for name, text in sealed.items() if sealed_kid(text) != current]
    except KeyDestroyed:  # erased: nobody opens it, nobody moves it
        return []
    except VaultError as error:
        logger.error("%s %s cannot be read: %s", row._meta.label, row.pk, error)
        return []


def _resealed(model: type[models.Model], pks: list) -> Iterator[tuple[str, int]]:
    """Seal the stale values of these rows anew, in one short transaction under their locks."""
    if not pks:
        return
    count: Counter = Counter()
    with transaction.atomic():
        for row in model._base_manager.select_for_update(of=("self",)).filter(pk__in=pks):
            names = _stale(row)
            try:
                row.save(update_fields=names) if names else None
                count["values"] += len(names)
            except VaultError as error:
                logger.error("%s %s was not sealed anew: %s", row._meta.label, row.pk, error)
                count["failed"] += 1
    yield from count.items()


def _is_stale(blob: Blob) -> bool:
    try:
        return blob_kid(blob) != owner_key(blob.organisation_id, blob.patient_id).kid
    except KeyDestroyed:
        return False
    except VaultError as error:
        logger.error("blob %s cannot be read: %s", blob.pk, error)
        return False


def _refiled(blob: Blob) -> tuple[str, int]:
    try:
        blob_rekey(blob, patient_id=blob.patient_id)
    except Blob.DoesNotExist:  # deleted meanwhile
        return "files", 0
    except VaultError as error:
        logger.error("blob %s was not encrypted anew: %s", blob.pk, error)
        return "failed", 1
    return "files", 1


def _broken_values(row: models.Model) -> Iterator[str]:
    for name in _sealed_names(type(row)):
        try:
            getattr(row, name)
        except KeyDestroyed:
            continue
        except VaultError:
            yield f"{row._meta.model_name}:{row.pk} {name}"


def _opens(blob: Blob) -> bool:
    try:
        blob_open(blob).close()
    except KeyDestroyed:
        return True
    except VaultError:
        return not Blob.objects.filter(pk=blob.pk).exists()  # deleted while we looked
    return True
