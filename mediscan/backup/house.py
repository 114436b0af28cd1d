"""A backup of this house: what goes into it, and when it is whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from django.conf import settings
from django.db import connection

from accounts.vault.kek import current_kek
from accounts.vault.ledger import ledger_entries
from accounts.vault.staging import TEMPORARY, blob_path, blobs_dir, folder_sync
from accounts.vault.tables import Blob
from mediscan.backup import database
from mediscan.backup.archive import Archive, files_below
from mediscan.backup.envelope import Sealing, public_key

DATABASE, BLOBS, MODELS, POINTS = "database", "blobs", "models", "audit-checkpoints.jsonl"


class Unsteady(Exception):
    """Files moved to another key while the backup was made: it would not be whole."""


@dataclass(frozen=True, slots=True)
class Made:
    """What one backup holds; `gone` counts files that were deleted while it was made."""

    file: str
    backup: str
    files: int
    size: int
    gone: int


def backup_make(target: Path, recipient: Path) -> Made:
    """Write this house's backup to `target`, sealed to the public key in the file `recipient`.

    People go on working. The file gets its name when it is whole and on the disk.
    Raises OSError, NotOurs, database.NoSuchProgram, Unsteady.
    """
    key, backup = public_key(recipient), uuid4()
    if target.exists():
        raise FileExistsError(17, "there is such a file already", str(target))
    head = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": settings.VERSION,
    }
    unfinished = target.with_name(f"{target.name}.{backup.hex}{TEMPORARY}")
    try:
        handle = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            sealing = Sealing(file, key, backup, head)
            archive, gone = _filled(sealing, head)
            sealing.finish()
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(target)
        folder_sync(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)
    size = target.stat().st_size
    return Made(str(target), str(backup), len(archive.members) - 1, size, gone)


def _filled(sealing: Sealing, head: dict[str, Any]) -> tuple[Archive, int]:
    archive = Archive(cast(Any, sealing))
    try:
        gone = _fill(archive)
        archive.finish(head | _facts())
    except BaseException:
        sealing.give_up()
        raise
    return archive, gone


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder beside the data that nobody else may look into; gone afterwards."""
    with tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix="backup-") as folder:
        yield Path(folder)


def _fill(archive: Archive) -> int:
    """Take up everything: checkpoints before the rows they sign, the files that rows name after."""
    archive.add(POINTS, Path(settings.AUDIT_CHECKPOINTS))
    named = dict(Blob.objects.values_list("pk", "version"))
    with scratch() as folder:
        database.snapshot_write(folder / DATABASE)
        archive.add(DATABASE, folder / DATABASE)
    taken = set()
    for path in files_below(blobs_dir()):
        if not path.name.endswith(TEMPORARY) and archive.add(f"{BLOBS}/{_below(path)}", path):
            taken.add(path)
    for path in files_below(Path(settings.MODEL_STORE)):
        archive.add(f"{MODELS}/{path.relative_to(settings.MODEL_STORE).as_posix()}", path)
    missing = [pk for pk, version in named.items() if blob_path(pk, version) not in taken]
    _refuse_moved(missing)
    return len(missing)


def _refuse_moved(missing: list) -> None:
    """A file whose row is gone was deleted meanwhile; one whose row stands lies elsewhere now."""
    moved = sum(
        Blob.objects.filter(pk__in=missing[at : at + 500]).count()
        for at in range(0, len(missing), 500)
    )
    if moved:
        raise Unsteady(
            f"{moved} files are missing, or got another key while the backup was made."
            " Let rotate_keys end, then ask again; if it stays so, see manage.py doctor."
        )


def _below(path: Path) -> str:
    return path.relative_to(blobs_dir()).as_posix()


def _facts() -> dict[str, Any]:
    """What a restore compares itself with."""
    return {
        "database": connection.vendor,
        "steps": database.steps_done(),
        "kek": current_kek().name,
        "erasures": len(ledger_entries()),
    }
