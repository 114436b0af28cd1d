"""Which fragments of compressed pixel data make up which frame: PS3.5 A.4."""

from __future__ import annotations

import struct
from typing import BinaryIO

from imaging.formats.dicom.elements import PIXEL_DATA, broken, cut_short
from imaging.formats.dicom.source import Source
from imaging.types import Refused

_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_JPEG_END = b"\xff\xd9"
_MAX_FRAGMENTS = 100_000

Piece = tuple[int, int]  # offset and length of a fragment's bytes


def read_fragments(source: Source, frames: int, index: int, *, most: int) -> bytes:
    """Return the bytes of frame `index` of `frames`; Refused above `most` or if none can tell."""
    stream = source.stream
    mine = locate_fragments(source, frames)[index]
    # a frame that grows by compressing is at most a little larger than its pixels
    if sum(length for _, length in mine) > most:
        raise broken("its compressed pixels are larger than the picture")
    return b"".join(_read(stream, piece) for piece in mine)


def locate_fragments(source: Source, frames: int) -> list[list[Piece]]:
    """Return where the fragments of each frame lie; Refused if none can tell."""
    stream = source.stream
    table, pieces = _list_pieces(stream, source.elements[PIXEL_DATA].offset)
    return [pieces] if frames == 1 else _of_frames(stream, table, pieces, frames)


def _list_pieces(stream: BinaryIO, start: int) -> tuple[bytes, list[Piece]]:
    """Return the offset table and where each fragment lies; nothing of them is read."""
    size = stream.seek(0, 2)
    pieces: list[Piece] = []
    while True:
        stream.seek(start)
        head = stream.read(8)
        if len(head) < 8:
            raise cut_short()
        length = int.from_bytes(head[4:], "little")
        if head[:4] == _END:
            break
        if head[:4] != _ITEM or len(pieces) > _MAX_FRAGMENTS:
            raise broken("its compressed pixels are not in fragments")
        if start + 8 + length > size:
            raise cut_short()
        pieces.append((start + 8, length))
        start += 8 + length
    if not pieces:
        raise broken("its compressed pixels are not in fragments")
    return _read(stream, (pieces[0][0], min(pieces[0][1], 4 * _MAX_FRAGMENTS))), pieces[1:]


def _of_frames(
    stream: BinaryIO, table: bytes, pieces: list[Piece], frames: int
) -> list[list[Piece]]:
    """Sort the fragments into frames: one each, else by the offset table, else by JPEG's end."""
    if len(pieces) == frames:
        return [[piece] for piece in pieces]
    found = _by_table(table, pieces, frames) or _by_end(stream, pieces)
    if len(found) != frames:
        raise Refused(
            "dicom-fragments",
            "This file does not say which part of its compressed pixels is which frame. "
            "Send Explicit VR Little Endian.",
        )
    return found


def _by_table(table: bytes, pieces: list[Piece], frames: int) -> list[list[Piece]]:
    if len(table) != 4 * frames or not pieces:
        return []
    starts = set(struct.unpack(f"<{frames}I", table))
    found: list[list[Piece]] = []
    for offset, length in pieces:
        if offset - pieces[0][0] in starts:
            found.append([])
        if found:
            found[-1].append((offset, length))
    return found


def _by_end(stream: BinaryIO, pieces: list[Piece]) -> list[list[Piece]]:
    found: list[list[Piece]] = [[]]
    for offset, length in pieces:
        found[-1].append((offset, length))
        tail = _read(stream, (offset + max(0, length - 4), min(4, length)))
        if tail.rstrip(b"\x00").endswith(_JPEG_END):
            found.append([])
    return found[:-1] if not found[-1] else found


def _read(stream: BinaryIO, piece: Piece) -> bytes:
    stream.seek(piece[0])
    return stream.read(piece[1])
