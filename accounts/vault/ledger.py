"""The erasure ledger: a file beside the database that remembers whom a restored backup must forget.

One JSON object a line, appended under a lock and synced to the disk. Each line carries an
HMAC over itself and the one before. The HMAC's key stands in the file, wrapped under
the KEK, and once more after each rotation of the KEK: the file opens as long as a KEK does.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from django.conf import settings

from accounts.vault.cipher import DamagedKey, VaultError, new_secret
from accounts.vault.kek import current_kek, kek_named
from accounts.vault.staging import folder_sync

AAD = b"erasure ledger v1"


class LedgerBroken(VaultError):
    """The ledger was changed, does not open or cannot be written: nothing is erased meanwhile."""


@dataclass(frozen=True, slots=True)
class Erased:
    """One patient whom nobody may read again."""

    organisation_id: UUID
    patient_id: UUID


def ledger_path() -> Path:
    return Path(settings.ERASURE_LEDGER or Path(settings.DATA_DIR) / "erasures.jsonl")


def ledger_append(erased: Erased) -> None:
    """Write one erasure down, durably; the caller's change follows it, never the reverse."""
    entry = {"organisation": str(erased.organisation_id), "patient": str(erased.patient_id)}
    with _locked() as file:
        lines, key = _read(file)
        if key is None:
            key = new_secret()
            lines.append(_written(file, lines, key, _key_entry(key)))
        _written(file, lines, key, entry)


def ledger_entries() -> list[Erased]:
    """Return every erasure ever written, oldest first. Raises LedgerBroken."""
    if not ledger_path().exists():
        return []
    with _locked() as file:
        lines, _key = _read(file)
    return [
        Erased(UUID(line["organisation"]), UUID(line["patient"]))
        for line in lines
        if "patient" in line
    ]


def ledger_rewrap() -> bool:
    """Add the ledger's key wrapped under the current KEK; False when that is so already."""
    if not ledger_path().exists():
        return False
    with _locked() as file:
        lines, key = _read(file)
        if key is None or any(line.get("kek") == current_kek().name for line in lines):
            return False
        _written(file, lines, key, _key_entry(key))
    return True


def _key_entry(key: bytes) -> dict[str, str]:
    kek = current_kek()
    return {"kek": kek.name, "key": base64.b64encode(kek.wrap(key, AAD)).decode()}


def _read(file: BinaryIO) -> tuple[list[dict[str, Any]], bytes | None]:
    """Return the lines and their key, all verified; a torn last line was never promised."""
    file.seek(0)
    text = file.read()
    whole = text[: text.rfind(b"\n") + 1]
    if len(whole) != len(text):
        file.truncate(len(whole))
    try:
        lines = [json.loads(line) for line in whole.splitlines()]
        key = _opened([line for line in lines if "key" in line])
        _verify(lines, key)
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise LedgerBroken(f"{ledger_path()}: a line is not one of the ledger's") from None
    return lines, key


def _opened(lines: list[dict[str, Any]]) -> bytes | None:
    trouble = None
    for line in reversed(lines):
        try:
            return kek_named(line["kek"]).unwrap(base64.b64decode(line["key"]), AAD)
        except DamagedKey as error:
            trouble = error
    if trouble:
        raise LedgerBroken(f"{ledger_path()} does not open: {trouble}")
    return None


def _verify(lines: list[dict[str, Any]], key: bytes | None) -> None:
    if lines and key is None:
        raise LedgerBroken(f"{ledger_path()} begins without its key")
    previous = ""
    for number, line in enumerate(lines, start=1):
        bare = {name: value for name, value in line.items() if name != "mac"}
        if line["prev"] != previous or not hmac.compare_digest(line["mac"], _mac(key, bare)):
            raise LedgerBroken(f"{ledger_path()}, line {number}: changed, moved or taken out")
        previous = line["mac"]


def _written(
    file: BinaryIO, lines: list[dict[str, Any]], key: bytes, entry: dict[str, str]
) -> dict[str, Any]:
    previous = lines[-1]["mac"] if lines else ""
    line: dict[str, Any] = {**entry, "at": datetime.now(UTC).isoformat(), "prev": previous}
    line["mac"] = _mac(key, line)
    file.seek(0, os.SEEK_END)
    file.write(json.dumps(line, sort_keys=True).encode() + b"\n")
    file.flush()
    os.fsync(file.fileno())
    return line


def _mac(key: bytes, line: dict[str, Any]) -> str:
    text = json.dumps(line, sort_keys=True).encode()
    return hmac.new(key, AAD + text, hashlib.sha256).hexdigest()


@contextmanager
def _locked() -> Iterator[BinaryIO]:
    path = ledger_path()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_new = not path.exists()
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise LedgerBroken(f"ERASURE_LEDGER={path}: {error.strerror}.") from None
    with os.fdopen(handle, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if is_new:
            folder_sync(path.parent)
        yield file
