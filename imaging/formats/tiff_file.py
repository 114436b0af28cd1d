"""The directories of a TIFF file: the first one checked value by value, the others counted."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from imaging.formats.budgets import Budgets
from imaging.formats.picture import Picture, cut_short, damaged
from imaging.formats.sniffing import THIS, check_raster_size
from imaging.types import Refused

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_SAMPLES, _SAMPLE_FORMAT = 277, 339
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_PIECES = ((273, 279), (324, 325))  # (offsets, byte counts) of strips and of tiles
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_COMPRESSIONS = {
    1: "none",
    2: "CCITT",
    3: "CCITT",
    4: "CCITT",
    5: "LZW",
    7: "JPEG",
    8: "deflate",
    32773: "PackBits",
    32946: "deflate",
}
# (samples, bits, sample format): 1 unsigned, 2 signed, 3 float
_SUPPORTED = frozenset(
    [(1, bits, 1) for bits in (1, 2, 4, 8, 16, 32)]
    + [(1, 16, 2), (1, 32, 2), (1, 32, 3)]
    + [(samples, bits, 1) for samples in (2, 3, 4) for bits in (8, 16)]
)


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: int
    count: int
    offset: int  # of the value, wherever it stands


class _Reader:
    """Reads numbers of the file's byte order, never beyond its end."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = file.seek(0, 2)
        self.order = {b"II": "<", b"MM": ">"}[self.at(0, 2)]

    def at(self, offset: int, count: int) -> bytes:
        if offset + count > self.size:
            raise cut_short("TIFF")
        self.file.seek(offset)
        return self.file.read(count)

    def numbers(self, offset: int, kind: int, count: int) -> tuple[int, ...]:
        code = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I"}.get(kind)
        if code is None:
            raise damaged("TIFF", "a number is written as something else")
        form = struct.Struct(f"{self.order}{count}{code}")
        return form.unpack(self.at(offset, form.size))


def check_tiff(file: BinaryIO, budgets: Budgets) -> Picture:
    """Refused for what leaves the file, is of a kind not read, too large, or without end."""
    reader = _Reader(file)
    (first,) = reader.numbers(4, 4, 1)
    pages = _count_pages(reader, first, budgets)
    entries = _entries(reader, first, budgets)
    width, height = (_one(reader, entries, tag, 0) for tag in (_WIDTH, _HEIGHT))
    check_raster_size(THIS, width, height, budgets)
    bits = _check_kind(reader, entries)
    _check_pieces(reader, entries, budgets)
    more = f"Only the first of {pages:,} pages was read." if pages > 1 else ""
    return Picture(
        stream=file,
        width=width,
        height=height,
        bits=bits,
        # Pillow turns TIFF itself, and negates up to 8 bits
        is_negative=_one(reader, entries, _PHOTOMETRIC, 1) == 0 and bits > 8,
        is_unsigned=_one(reader, entries, _SAMPLE_FORMAT, 1) == 1,
        warnings=(more,) if more else (),
    )


def _count_pages(reader: _Reader, offset: int, budgets: Budgets) -> int:
    """Return the number of directories; Refused for a circle and for more than the budget."""
    seen: set[int] = set()
    while offset:
        if offset in seen or len(seen) >= budgets.frames:
            raise Refused(
                "tiff-pages",
                f"This file has more than {budgets.frames:,} pages or a circle of pages. "
                "Save the one page you need as PNG.",
            )
        seen.add(offset)
        (count,) = reader.numbers(offset, 3, 1)
        (offset,) = reader.numbers(offset + 2 + 12 * count, 4, 1)
    if not seen:
        raise damaged("TIFF", "it has no page")
    return len(seen)


def _entries(reader: _Reader, start: int, budgets: Budgets) -> dict[int, _Entry]:
    """Return the entries of one directory, each inside the file."""
    (number,) = reader.numbers(start, 3, 1)
    entries: dict[int, _Entry] = {}
    total = 0
    for index in range(number):
        place = start + 2 + 12 * index
        tag, kind = reader.numbers(place, 3, 2)
        (count,) = reader.numbers(place + 4, 4, 1)
        length = _SIZES.get(kind, 1) * count
        offset = place + 8 if length <= 4 else reader.numbers(place + 8, 4, 1)[0]
        total += length
        if offset + length > reader.size or total > budgets.metadata_bytes:
            raise cut_short("TIFF")
        entries[tag] = _Entry(kind, count, offset)
    return entries


def _values(reader: _Reader, entries: dict[int, _Entry], tag: int) -> tuple[int, ...]:
    entry = entries.get(tag)
    return () if entry is None else reader.numbers(entry.offset, entry.kind, entry.count)


def _one(reader: _Reader, entries: dict[int, _Entry], tag: int, default: int) -> int:
    values = _values(reader, entries, tag)
    return values[0] if values else default


def _check_kind(reader: _Reader, entries: dict[int, _Entry]) -> int:
    """Return the bits of a sample; Refused unless all samples are alike and of a kind read."""
    samples = _one(reader, entries, _SAMPLES, 1)
    bits = set(_values(reader, entries, _BITS) or (1,))
    formats = set(_values(reader, entries, _SAMPLE_FORMAT) or (1,))
    compression = _one(reader, entries, _COMPRESSION, 1)
    negative = _one(reader, entries, _PHOTOMETRIC, 1) == 0
    kind = (samples, max(bits), max(formats))
    alike = len(bits) == len(formats) == 1
    if not alike or kind not in _SUPPORTED or (negative and kind[2] != 1):
        raise Refused(
            "tiff-unsupported",
            f"This file is a TIFF of {samples} samples of {max(bits)} bits, of a kind that is "
            "not supported. Save it in grey of 8 or 16 bits.",
        )
    if compression not in _COMPRESSIONS:
        raise Refused(
            "tiff-compression",
            f"This file is a TIFF with compression {compression}, which is not supported. "
            "Save it without compression or with LZW.",
        )
    return max(bits)


def _check_pieces(reader: _Reader, entries: dict[int, _Entry], budgets: Budgets) -> None:
    """Refuse strips or tiles that leave the file, and tiles larger than any picture."""
    tile = _one(reader, entries, _TILE_WIDTH, 1) * _one(reader, entries, _TILE_HEIGHT, 1)
    if not 0 < tile <= budgets.raster_pixels:
        raise damaged("TIFF", "its tiles have an impossible size")
    for offsets_tag, counts_tag in _PIECES:
        offsets = _values(reader, entries, offsets_tag)
        counts = _values(reader, entries, counts_tag)
        if len(offsets) != len(counts) and counts:
            raise damaged("TIFF", "its strips are not all listed")
        if any(
            start + length > reader.size for start, length in zip(offsets, counts, strict=False)
        ):
            raise cut_short("TIFF")
