"""A ZIP archive as a flat list of files under names of our own: nothing in it is believed.

Sizes are counted while inflating, paths only looked at, links never followed (stdlib only).
"""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from imaging.formats.budgets import MIB, Budgets
from imaging.formats.names import clean_name
from imaging.types import Refused

_CHUNK = MIB
_END, _END64 = b"PK\x05\x06", b"PK\x06\x07"
_END_BYTES, _LOCATOR_BYTES, _END64_BYTES, _COMMENT = 22, 20, 56, 0xFFFF
_LOCAL_BYTES = 30
_LIST_BYTES = 16 * MIB  # of the central directory
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x1
_DRIVE = re.compile(r"[A-Za-z]:")
# what the standard library makes of a directory that is none
_BAD = (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error, OSError)
# what systems leave behind in folders and nobody means to send
_LITTER = frozenset((".ds_store", "thumbs.db", "desktop.ini"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the archive: written to `path`, or refused with the reason."""

    name: str
    path: Path | None = None
    refused: Refused | None = None


def unpack(archive: Path, folder: Path, budgets: Budgets | None = None) -> Iterator[Entry]:
    """Write the files of `archive` into `folder` as 0.bin, 1.bin… and yield each, without litter.

    Raises Refused for an archive that lies about itself or points outside itself; what was
    written before belongs to nobody then.
    """
    budgets = budgets or Budgets()
    with archive.open("rb") as file:
        infos = _listed(file, budgets)
        starts = _checked(file, infos)
        room = budgets.file_bytes
        for number, info in enumerate(infos):
            reason = _refusal(info)
            if reason is not None:
                yield Entry(clean_name(info.filename), refused=reason)
                continue
            path = folder / f"{number}.bin"
            room -= _inflate(
                file, info, starts[info.header_offset], path, min(room, budgets.inflated_bytes)
            )
            yield Entry(clean_name(info.filename), path=path)


def is_litter(name: str) -> bool:
    parts = name.replace("\\", "/").lower().split("/")
    return "__macosx" in parts or parts[-1] in _LITTER or parts[-1].startswith("._")


def _listed(file: BinaryIO, budgets: Budgets) -> list[zipfile.ZipInfo]:
    """Return the entries that are files; the directory's size is checked before it is read."""
    _check_end(file, budgets)
    try:
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
    except _BAD as error:
        raise _damaged() from error
    if len(infos) > budgets.entries:
        raise _too_many(budgets)
    _check_paths(infos)
    return [one for one in infos if not (one.filename.endswith("/") or is_litter(one.filename))]


def _check_end(file: BinaryIO, budgets: Budgets) -> None:
    """Refuse a directory of too many entries by the archive's last bytes alone."""
    size = file.seek(0, 2)
    start = max(0, size - _END_BYTES - _COMMENT)
    file.seek(start)
    tail = file.read()
    place = tail.rfind(_END)
    if place < 0 or len(tail) - place < _END_BYTES:
        raise _damaged()
    _, _, _, count, length = struct.unpack_from("<4H1I", tail, place + 4)
    before = place - _LOCATOR_BYTES
    if before >= 0 and tail[before : before + 4] == _END64:
        file.seek(max(0, start + before - _END64_BYTES))
        record = file.read(_END64_BYTES)
        if len(record) < _END64_BYTES:
            raise _damaged()
        count, length = struct.unpack_from("<2Q", record, 32)
    if count > budgets.entries:
        raise _too_many(budgets)
    if length > min(_LIST_BYTES, size):
        raise _damaged()


def _check_paths(infos: Sequence[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for info in infos:
        path = info.filename.replace("\\", "/")
        if path.startswith("/") or _DRIVE.match(path) or ".." in path.split("/"):
            raise Refused(
                "archive-path",
                "This file is an archive with a path that leads out of it. Nothing was taken "
                "from it; pack the images again.",
            )
        if path.casefold() in seen:
            raise Refused(
                "archive-twice",
                "This file is an archive that holds two files of one name. Nothing was taken "
                "from it; give each its own name and pack them again.",
            )
        seen.add(path.casefold())


def _checked(file: BinaryIO, infos: Sequence[zipfile.ZipInfo]) -> dict[int, int]:
    """Return where the bytes of each entry begin; Refused where two share them."""
    starts: dict[int, int] = {}
    end = 0
    for info in sorted(infos, key=lambda one: one.header_offset):
        if info.header_offset < 0:
            raise _damaged()
        file.seek(info.header_offset)
        head = file.read(_LOCAL_BYTES)
        if len(head) < _LOCAL_BYTES or head[:4] != b"PK\x03\x04":
            raise _damaged()
        name, extra = struct.unpack_from("<2H", head, 26)
        start = info.header_offset + _LOCAL_BYTES + name + extra
        if info.header_offset < end:
            raise Refused(
                "archive-overlap",
                "This file is an archive whose files share their bytes, as bombs do. Nothing was "
                "taken from it; pack the images again.",
            )
        end = start + info.compress_size
        starts[info.header_offset] = start
    return starts


def _refusal(info: zipfile.ZipInfo) -> Refused | None:
    """Return why this one entry is not read, or None."""
    mode = info.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if kind == stat.S_IFLNK:
        return Refused("archive-link", "This file is a link, which is not followed. Send the file.")
    if kind not in (0, stat.S_IFREG):
        return Refused("archive-device", "This file is a device, not a file. Leave it out.")
    if info.flag_bits & _ENCRYPTED:
        return Refused(
            "archive-password", "This file is locked by a password. Send the archive without one."
        )
    if info.compress_type not in (_STORED, _DEFLATED):
        return Refused(
            "archive-method",
            "This file is packed by a method that is not read here. Pack it as an ordinary ZIP.",
        )
    return None


def _inflate(file: BinaryIO, info: zipfile.ZipInfo, start: int, path: Path, limit: int) -> int:
    """Write one entry, counted and summed while it grows; return its size."""
    total, checksum = 0, 0
    pieces = _plain if info.compress_type == _STORED else _inflated
    with path.open("wb") as out:
        for piece in pieces(_packed(file, start, info.compress_size)):
            total += len(piece)
            if total > limit:
                raise _bomb()
            if total > info.file_size:
                raise _lies()
            checksum = zlib.crc32(piece, checksum)
            out.write(piece)
    if total != info.file_size or checksum != info.CRC:
        raise _lies()
    return total


def _packed(file: BinaryIO, start: int, length: int) -> Iterator[bytes]:
    file.seek(start)
    while length:
        piece = file.read(min(_CHUNK, length))
        if not piece:
            raise _damaged()
        length -= len(piece)
        yield piece


def _plain(packed: Iterator[bytes]) -> Iterator[bytes]:
    return packed


def _inflated(packed: Iterator[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for piece in packed:
            while piece and not inflater.eof:
                yield inflater.decompress(piece, _CHUNK)
                piece = inflater.unconsumed_tail
        yield inflater.flush()  # at most what the last bits still stood for
    except zlib.error as error:
        raise _damaged() from error
    if not inflater.eof:
        raise _lies()


def _damaged() -> Refused:
    return Refused("archive-damaged", "This file is a damaged ZIP archive. Pack and send it again.")


def _too_many(budgets: Budgets) -> Refused:
    return Refused(
        "archive-too-many",
        f"This file is an archive of more than {budgets.entries:,} files. Send it in parts.",
    )


def _bomb() -> Refused:
    return Refused(
        "archive-inflates-too-far",
        "This file is an archive that unpacks to more than is read at once (a file of it, or all "
        "together). Send its files in parts.",
    )


def _lies() -> Refused:
    return Refused(
        "archive-lies",
        "This file is an archive whose files are not what it says of them (size or checksum). "
        "Nothing was taken from it; pack the images again.",
    )
