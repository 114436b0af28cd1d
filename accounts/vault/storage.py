"""Encrypted files and their rows: write, open, delete, move to another key, sweep."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.db import transaction
from django.db.models import Model

from accounts.vault.cipher import DamagedBlob
from accounts.vault.reading import BlobReader
from accounts.vault.rollback import unlink_on_rollback
from accounts.vault.staging import (
    CHUNK_BYTES,
    TEMPORARY,
    StagedBlob,
    blob_path,
    blobs_dir,
    publish_all,
)
from accounts.vault.tables import Blob

SWEEP_AFTER = timedelta(hours=1)
ROWS_AT_A_TIME = 500
FILE_NAME = re.compile(rf"([0-9a-f-]{{36}})\.([0-9]+)(\.[0-9a-f]+{re.escape(TEMPORARY)})?")


def blob_write(
    *,
    organisation: Model,
    chunks: Iterable[bytes],
    kind: str,
    patient_id: UUID | None = None,
    chunk_size: int = CHUNK_BYTES,
) -> Blob:
    """Encrypt `chunks` into a new blob, in the caller's transaction: rolled back, no file stays.

    A large content from outside is better written to a StagedBlob before the
    transaction and kept in it: SQLite has one writer at a time.
    """
    staged = StagedBlob(
        organisation=organisation, kind=kind, patient_id=patient_id, chunk_size=chunk_size
    )
    with staged:
        for chunk in chunks:
            staged.write(chunk)
        return blob_keep(staged)


def blob_keep(staged: StagedBlob) -> Blob:
    """Give a staged file its row and its name, in the caller's transaction."""
    return blobs_keep([staged])[0]


def blobs_keep(staged: Sequence[StagedBlob]) -> list[Blob]:
    """Give staged files their rows and names, in the caller's transaction: all or none."""
    with ExitStack() as stack:
        for one in staged:
            stack.enter_context(one)
        with transaction.atomic():
            for one in staged:
                one.close()
            blobs = Blob.objects.bulk_create(_row(one) for one in staged)
            for one, blob in zip(staged, blobs, strict=True):
                unlink_on_rollback(one.path, blob.pk, blob.version)
            publish_all(staged)
    return blobs


def _row(staged: StagedBlob) -> Blob:
    return Blob(
        id=staged.id,
        organisation=staged.organisation,
        patient_id=staged.patient_id,
        kind=staged.kind,
        version=staged.version,
        size=staged.size,
        sha256=staged.sha256,
    )


def blob_open(blob: Blob) -> BlobReader:
    """Open the content; DamagedBlob unless file and row agree."""
    return BlobReader(blob)


def blob_delete(blob: Blob) -> None:
    """Delete the row now and the file on commit; an old copy of the row finds the new file."""
    with transaction.atomic():
        row = Blob.objects.select_for_update().filter(pk=blob.pk).first()
        path = blob_path(blob.pk, row.version if row else blob.version)
        blob.delete()
        transaction.on_commit(lambda: path.unlink(missing_ok=True), robust=True)


def blob_rekey(blob: Blob, *, patient_id: UUID | None) -> None:
    """Encrypt the content anew under the key that `patient_id` has now (None: the organisation's).

    The copy is made before any transaction, the old file goes on commit. Two
    calls at once follow one another.
    """
    while True:
        row = Blob.objects.select_related("organisation").get(pk=blob.pk)
        if blob_replace(row, blob_copied(row, patient_id=patient_id)):
            blob.patient_id, blob.version = row.patient_id, row.version
            return


def blob_copied(blob: Blob, *, patient_id: UUID | None) -> StagedBlob:
    """Return the content staged as its next version under another key, equal to the last byte.

    Keep it by `blob_replace`, or discard it.
    """
    with blob_open(blob) as reader:
        staged = StagedBlob(
            organisation=blob.organisation,
            kind=blob.kind,
            patient_id=patient_id,
            chunk_size=reader.chunk_size,
            blob_id=blob.pk,
            version=_free_version(blob),
        )
        with staged:
            for chunk in reader.chunks():
                staged.write(chunk)
            if staged.sha256 != blob.sha256:
                raise DamagedBlob(f"blob {blob.pk} is not the content that its row names")
    return staged


def blob_replace(blob: Blob, staged: StagedBlob) -> bool:
    """Let the staged copy be the content of `blob`, in the caller's transaction.

    False, with the copy discarded, when another version has come meanwhile.
    """
    return blobs_replace([(blob, staged)])


@transaction.atomic
def blobs_replace(copies: Sequence[tuple[Blob, StagedBlob]]) -> bool:
    """Let each staged copy be the content of its blob, all or, answering False, none."""
    rows: dict[UUID, int] = {}
    for start in range(0, len(copies), ROWS_AT_A_TIME):
        some = [blob.pk for blob, _ in copies[start : start + ROWS_AT_A_TIME]]
        locked = Blob.objects.select_for_update().order_by("pk").filter(pk__in=some)
        rows |= dict(locked.values_list("pk", "version"))
    if any(rows.get(blob.pk) != blob.version for blob, _ in copies):
        for _, staged in copies:
            staged.discard()
        return False
    old = [blob_path(blob.pk, blob.version) for blob, _ in copies]
    for blob, staged in copies:
        unlink_on_rollback(staged.path, blob.pk, staged.version)
        blob.patient_id, blob.version = staged.patient_id, staged.version
    blobs = [blob for blob, _ in copies]
    Blob.objects.bulk_update(blobs, ["patient_id", "version"], batch_size=ROWS_AT_A_TIME)
    publish_all([staged for _, staged in copies])
    transaction.on_commit(lambda: [path.unlink(missing_ok=True) for path in old], robust=True)
    return True


def blobs_sweep(older_than: timedelta = SWEEP_AFTER) -> int:
    """Remove the files without a row that are older than any transaction may last; count them."""
    old = list(_files_before(time.time() - older_than.total_seconds()))
    removed = 0
    for start in range(0, len(old), ROWS_AT_A_TIME):
        claims = {path: _claim(path) for path in old[start : start + ROWS_AT_A_TIME]}
        ids = {claim[0] for claim in claims.values() if claim}
        rows = set(Blob.objects.filter(pk__in=ids).values_list("pk", "version"))
        for path in (path for path, claim in claims.items() if claim not in rows):
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _files_before(moment: float) -> Iterator[Path]:
    for path in blobs_dir().glob("[0-9a-f][0-9a-f]/*"):
        try:
            if FILE_NAME.fullmatch(path.name) and path.stat().st_mtime < moment:
                yield path
        except FileNotFoundError:  # deleted by its owner while we looked
            continue


def _claim(path: Path) -> tuple[UUID, int] | None:
    """Return the blob and version that a file name claims; None for a temporary file."""
    blob_id, version, temporary = FILE_NAME.fullmatch(path.name).groups()
    return None if temporary else (UUID(blob_id), int(version))


def _free_version(blob: Blob) -> int:
    """Return the next version, past any file that a crash may have left."""
    version = blob.version + 1
    while blob_path(blob.pk, version).exists():
        version += 1
    return version
