"""Lists of files: a ZIP archive becomes items of its own, a DICOMDIR says what is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Max

from accounts import audit
from accounts.tracing import request_id
from accounts.vault.staging import StagedBlob
from accounts.vault.storage import blobs_keep
from imaging.engine.answers import LIST_BYTES, MAX_ENTRIES, BadAnswer, plain_path
from imaging.engine.client import Engine
from imaging.engine.scratch import scratch_folder
from imaging.formats.sniffing import clean_name
from imaging.models import ImageFile, ItemStatus, UploadItem
from imaging.services.items import item_close, item_copied
from imaging.services.quotas import StorageRoom
from imaging.services.screening import ARCHIVE, file_screened, pieces
from imaging.types import Refused

UNPACK_TIMEOUT_S = 120
ROOM_BYTES = 2 << 30  # what an archive may unpack to
AT_ONCE = 500
FOUND = "An archive of {count:,} files; each stands below with its own outcome."
EMPTY = "This file is an archive without files. Pack the images and send it again."
COMPLETE = "A list of {count:,} images; all of them are here."
INCOMPLETE = "A list of {count:,} images; {missing:,} of them were not sent."


@dataclass(slots=True)
class _Entries:
    """What an archive holds: rows to be, and the encrypted contents of those worth reading."""

    items: list[UploadItem] = field(default_factory=list)
    staged: list[tuple[UploadItem, StagedBlob]] = field(default_factory=list)


def archive_unpack(item: UploadItem, engine: Engine, keeper: Callable[[], None]) -> None:
    """Turn a waiting archive into waiting items, in one transaction; killed before, nothing is.

    Raises: Refused; LeaseLost, and what the engine raises.
    """
    with scratch_folder(room_bytes=ROOM_BYTES + item.size) as folder, ExitStack() as stack:
        answer = engine.call(
            "unpack_archive",
            timeout_s=UNPACK_TIMEOUT_S,
            on_wait=keeper,
            trace=request_id.get(),
            path=str(item_copied(item, folder / "source")),
            out_dir=str(folder),
        )
        (folder / "source").unlink()
        entries = _screened(item, _listed(folder, answer), folder, keeper, stack)
        if not entries.items:
            raise Refused("archive-empty", EMPTY)
        _filed(item, entries)


def list_close(item: UploadItem, uids: list[str]) -> None:
    """End a DICOMDIR: say whether all the images that it lists are here."""
    here: set[str] = set()
    for start in range(0, len(uids), AT_ONCE):
        some = uids[start : start + AT_ONCE]
        files = ImageFile.objects.filter(
            image__organisation=item.organisation,
            image__study__deleted_at=None,
            sop_instance_uid__in=some,
        )
        here |= set(files.values_list("sop_instance_uid", flat=True))
    words = COMPLETE if len(here) == len(uids) else INCOMPLETE
    _end(item, words.format(count=len(uids), missing=len(uids) - len(here)))


def _listed(folder: Path, answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Read the child's list of entries, believing nothing of it."""
    path = plain_path(folder, answer["entries"])
    entries = json.loads(path.read_bytes()[:LIST_BYTES])
    sound = isinstance(entries, list) and len(entries) <= MAX_ENTRIES
    if not sound or not all(isinstance(one, dict) for one in entries):
        raise BadAnswer("unpack_archive: the list")
    return entries


def _screened(
    archive: UploadItem,
    listed: list[dict[str, Any]],
    folder: Path,
    keeper: Callable[[], None],
    stack: ExitStack,
) -> _Entries:
    """Screen and encrypt the entries, outside any transaction."""
    entries, room = _Entries(), StorageRoom(archive.organisation)
    for told in listed:
        keeper()
        item = UploadItem(
            organisation=archive.organisation,
            upload=archive.upload,
            name=clean_name(str(told["name"])),
            size=0,
        )
        entries.items.append(item)
        try:
            if told["file"] is None:
                raise Refused(str(told["code"])[:64], str(told["sentence"])[:500])
            path = plain_path(folder, told["file"])
            item.size = path.lstat().st_size
            with path.open("rb") as file:
                item.kind, item.image = file_screened(
                    archive.upload, file, item.name, item.size, room, packed=True
                )
                if item.image is not None:
                    item.status = ItemStatus.DUPLICATE
                else:
                    entries.staged.append((item, _staged(item, file, stack)))
            path.unlink()
        except Refused as refusal:
            item.status, item.code = ItemStatus.REFUSED, refusal.code
            item.reason = refusal.sentence
    return entries


def _staged(item: UploadItem, file, stack: ExitStack) -> StagedBlob:
    staged = StagedBlob(organisation=item.organisation, kind="source")
    stack.push(staged)  # discarded unless it was kept
    with staged:
        for piece in pieces(file):
            staged.write(piece)
    return staged


@transaction.atomic
def _filed(archive: UploadItem, entries: _Entries) -> None:
    last = archive.upload.items.aggregate(last=Max("position"))["last"]
    for number, item in enumerate(entries.items, start=1):
        item.position = last + number
    blobs = blobs_keep([staged for _, staged in entries.staged])
    for (item, _), blob in zip(entries.staged, blobs, strict=True):
        item.blob = blob
    UploadItem.objects.bulk_create(entries.items, batch_size=AT_ONCE)
    for item in entries.items:
        if item.status == ItemStatus.REFUSED:
            audit.record(
                archive.upload.user, "upload.refuse", item, outcome="refused", reason=item.code
            )
    _end(archive, FOUND.format(count=len(entries.items)))


@transaction.atomic
def _end(item: UploadItem, words: str) -> None:
    item.reason = words
    item_close(item, ItemStatus.LISTED)
    item.save(update_fields=["reason"])


__all__ = ["ARCHIVE", "archive_unpack", "list_close"]
