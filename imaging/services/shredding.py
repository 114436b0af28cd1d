"""Everything of one patient goes: the key first, then every row and file that hangs on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from django.conf import settings
from django.db import connection, models, transaction
from django.utils.module_loading import import_string

from accounts.models import Blob, VaultKey
from accounts.vault.keys import patient_key_destroy
from accounts.vault.storage import blob_delete
from imaging.models import Image, Job, Patient, Result, Run, SourceFile, UploadItem

AT_ONCE = 500  # ids in one query
Rows = dict[type[models.Model], set]


@transaction.atomic
def patient_shred(organisation_id: UUID, patient_id: UUID) -> None:
    """Destroy the patient's key for good and delete all that is theirs, files on commit.

    Whatever points at a row that goes, goes too, in every room; an export that holds
    one of their results goes as a whole. Called twice, the second finds nothing.
    """
    _overwrite_what_is_deleted()
    list(Patient.objects.select_for_update().filter(pk=patient_id))
    list(Job.objects.select_for_update().filter(image__patient_id=patient_id))  # no late result
    patient_key_destroy(organisation_id, patient_id)
    blobs = set(Blob.objects.filter(patient_id=patient_id).values_list("pk", flat=True))
    sources = SourceFile.objects.filter(image_files__image__patient=patient_id)
    theirs = {Patient: {patient_id}, SourceFile: set(sources.values_list("pk", flat=True))}
    rows_shred(rows_doomed(theirs), blobs)
    transaction.on_commit(_clean_the_disk, robust=True)


@transaction.atomic
def rows_shred(doomed: Rows, blobs: Iterable[UUID] = ()) -> None:
    """Delete these rows and the files that they, or `blobs`, name: files on commit."""
    _overwrite_what_is_deleted()
    blobs = set(blobs)
    for model, pks in doomed.items():
        blobs |= _blobs_of(model, pks)
    for model, pks in doomed.items():
        _let_go(model, pks)
    for model, pks in doomed.items():  # constraints are looked at when the transaction ends
        for some in _some(pks):
            rows = model._base_manager.filter(pk__in=some)
            rows._raw_delete(rows.db)
    for some in _some(blobs):
        for blob in Blob.objects.filter(pk__in=some):
            blob_delete(blob)


def is_shredded(patient_id: UUID) -> bool:
    """Say whether nothing of the patient is left in this database."""
    return not (
        Patient.objects.filter(pk=patient_id).exists()
        or Blob.objects.filter(patient_id=patient_id).exists()
        or VaultKey.objects.filter(patient_id=patient_id, destroyed_at=None).exists()
    )


def rows_doomed(roots: Mapping[type[models.Model], set]) -> Rows:
    """Return these rows and all that cannot be without them: receipts, empty runs, exports too."""
    doomed: Rows = defaultdict(set)
    for model, pks in roots.items():
        _add(doomed, model, pks)
    for some in _some(doomed[Image]):
        items = UploadItem.objects.filter(image__in=some)
        _add(doomed, UploadItem, set(items.values_list("pk", flat=True)))
    runs = set()
    for some in _some(doomed[Job]):
        runs |= set(Run.objects.filter(jobs__in=some).values_list("pk", flat=True))
    kept = (
        Job.objects.filter(run__in=runs).exclude(pk__in=doomed[Job]).values_list("run", flat=True)
    )
    _add(doomed, Run, runs - set(kept))
    for dotted in settings.ERASURE_ROOTS:
        _add(doomed, *import_string(dotted)(doomed[Result], doomed[Image]))
    return doomed


def _add(doomed: Rows, model: type[models.Model], pks: set) -> None:
    """Doom these rows and, room by room, all rows that cannot be without them."""
    new = pks - doomed[model]
    doomed[model] |= new
    for relation in _relations(model) if new else ():
        if relation.on_delete in (models.SET_NULL, models.DO_NOTHING):
            continue
        child, name = relation.related_model, relation.field.name
        for some in _some(new):
            rows = child._base_manager.filter(**{f"{name}__in": some})
            _add(doomed, child, set(rows.values_list("pk", flat=True)))


def _let_go(model: type[models.Model], pks: set) -> None:
    """Clear what points at these rows and may stay without them."""
    for relation in _relations(model):
        if relation.on_delete is models.SET_NULL:
            for some in _some(pks):
                name = relation.field.name
                rows = relation.related_model._base_manager.filter(**{f"{name}__in": some})
                rows.update(**{name: None})


def _relations(model: type[models.Model]) -> Iterator:
    for field in model._meta.get_fields(include_hidden=True):
        if (field.one_to_many or field.one_to_one) and field.auto_created and not field.concrete:
            yield field


def _blobs_of(model: type[models.Model], pks: set) -> set:
    names = [field.attname for field in model._meta.concrete_fields if field.related_model is Blob]
    found: set = set()
    for some in _some(pks):
        for name in names:
            found |= set(model._base_manager.filter(pk__in=some).values_list(name, flat=True))
    return found - {None}


def _some(pks: Iterable) -> Iterator[list]:
    pks = list(pks)
    for start in range(0, len(pks), AT_ONCE):
        yield pks[start : start + AT_ONCE]


def _overwrite_what_is_deleted() -> None:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")


def _clean_the_disk() -> None:
    """Let the wrapped key leave the database's files too, not its tables alone."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        elif connection.vendor == "postgresql":
            cursor.execute("VACUUM accounts_vaultkey")
