"""A house from a backup: everything is looked at first, then all of it comes in or nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.db import connection

from accounts.vault.kek import all_keks
from accounts.vault.ledger import ledger_entries, ledger_path
from accounts.vault.staging import blobs_dir
from mediscan.backup import database
from mediscan.backup.archive import archive_read
from mediscan.backup.envelope import Opened, private_key
from mediscan.backup.house import BLOBS, DATABASE, MODELS, POINTS, scratch


class NotRestored(Exception):
    """This backup cannot become this house, and nothing was touched; the text gives the remedy."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back: from when, how many files, which erasures the ledger adds."""

    backup: str
    made: str
    files: int
    size: int


def backup_check(source: Path, key: Path) -> dict[str, Any]:
    """Open a backup to its last byte and compare every file with its list; write nothing.

    Returns the list. Raises OSError, NotOurs, DamagedBlob.
    """
    return _read(source, key, lambda name, pieces: [None for _ in pieces])


def backup_restore(source: Path, key: Path) -> Restored:
    """Make this empty house the one that `source` holds.

    Raises OSError, NotOurs, DamagedBlob, NotRestored, database.NoSuchProgram; after
    each the house is as empty as before.
    """
    facts = backup_check(source, key)
    _refuse_another_house(facts)
    _refuse_a_full_house()
    with scratch() as folder:
        _read(source, key, lambda name, pieces: _keep(folder / name, pieces))
        moved = []
        try:
            for name, place in _places().items():
                if (folder / name).exists() and not place.is_file():
                    _moved(folder / name, place)
                    moved.append(place)
            database.snapshot_load(folder / DATABASE)
        except BaseException:
            for place in moved:
                shutil.rmtree(place) if place.is_dir() else place.unlink()
            raise
    members = facts["members"]
    size = sum(one["size"] for one in members)
    return Restored(facts["backup"], facts["made"], len(members), size)


def _places() -> dict[str, Path]:
    """Where each part lies; checkpoints that are there already are newer, and stay."""
    return {
        BLOBS: blobs_dir(),
        MODELS: Path(settings.MODEL_STORE),
        POINTS: Path(settings.AUDIT_CHECKPOINTS),
    }


def _read(source: Path, key: Path, keep) -> dict[str, Any]:
    with source.open("rb") as file:
        opened = Opened(file, private_key(key))
        return archive_read(cast(Any, opened), keep) | {"backup": opened.head["backup"]}


def _keep(path: Path, pieces: Iterator[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _refuse_another_house(facts: dict[str, Any]) -> None:
    if facts["database"] != connection.vendor:
        raise NotRestored(
            f"The backup is of {facts['database']}, DATABASE_URL names {connection.vendor}."
        )
    known = database.steps_known()
    if set(facts["steps"]) - set(known) or set(known) - set(facts["steps"]):
        raise NotRestored(
            f"Version {facts['version']} made the backup, with {len(facts['steps'])} steps of"
            f" migration; this one has {len(known)} and others. Restore it with the same version,"
            " then upgrade."
        )
    names = [kek.name for kek in all_keks()]
    if facts["kek"] not in names:
        raise NotRestored(
            f"Its keys are wrapped under the KEK {facts['kek']}; the settings give"
            f" {', '.join(names)}. Give the KEK of that house as VAULT_KEK."
        )
    if len(ledger_entries()) < facts["erasures"]:
        raise NotRestored(
            f"The erasure ledger of that house had {facts['erasures']} entries. Bring it, or its"
            f" newest copy, to {ledger_path()}: it says who may not come back."
        )


def _refuse_a_full_house() -> None:
    full = [str(place) for place in _places().values() if place.is_dir() and any(place.iterdir())]
    if not database.is_empty():
        full.insert(0, "the database")
    if full:
        raise NotRestored(
            f"This house is not empty: {', '.join(full)}. Restore into an empty database"
            " and an empty MEDISCAN_DATA_DIR; nothing is overwritten."
        )


def _moved(source: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        place.rmdir()
    shutil.move(source, place)
