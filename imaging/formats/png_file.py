"""The chunks of a PNG file: all there, none a bomb, only those that make the picture passed on."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from imaging.formats.budgets import Budgets
from imaging.formats.exif import exif_orientation
from imaging.formats.markers import PNG_SIGNATURE
from imaging.formats.picture import Picture, check_tail, cut_short, damaged, read_whole
from imaging.formats.sniffing import THIS, check_raster_size
from imaging.types import Refused

_PICTURE = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
_COMPRESSED = frozenset((b"zTXt", b"iCCP", b"iTXt"))


def check_png(file: BinaryIO, budgets: Budgets) -> Picture:
    """Walk every chunk; Refused for what is cut, damaged, animated, too large or a bomb."""
    data = read_whole(file, budgets)
    kept, orientation, end = [PNG_SIGNATURE], 1, 0
    for kind, start, end in _chunks(data, budgets):
        content = memoryview(data)[start : end - 4]
        if kind in _PICTURE:
            kept.append(data[start - 8 : end])
        elif kind == b"acTL":
            raise Refused(
                "png-animated",
                "This file is an animated PNG. Save the one picture you need as a still PNG.",
            )
        elif kind == b"eXIf":
            orientation = exif_orientation(bytes(content[:65_536]))
        elif kind in _COMPRESSED:
            _check_inflation(kind, bytes(content), budgets)
    header = data[16:29]
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    return Picture(
        stream=BytesIO(b"".join(kept)),
        width=width,
        height=height,
        bits=max(8, header[8]),
        orientation=orientation,
        warnings=check_tail(data[end:]),
    )


def _chunks(data: bytes, budgets: Budgets) -> Iterator[tuple[bytes, int, int]]:
    """Yield (kind, start of content, end with checksum), from IHDR to IEND."""
    position, count, kind = len(PNG_SIGNATURE), 0, b""
    while kind != b"IEND":
        if position + 12 > len(data):
            raise cut_short("PNG")
        length = int.from_bytes(data[position : position + 4], "big")
        kind = data[position + 4 : position + 8]
        start, end = position + 8, position + 12 + length
        if end > len(data):
            raise cut_short("PNG")
        if zlib.crc32(data[position + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise damaged("PNG", "a checksum does not fit its content")
        _check_order(kind, count, length)
        if kind == b"IHDR":
            size = data[start : start + 8]
            width, height = int.from_bytes(size[:4], "big"), int.from_bytes(size[4:], "big")
            check_raster_size(THIS, width, height, budgets)
        yield kind, start, end
        position, count = end, count + 1
        if count > budgets.elements:
            raise damaged("PNG", "it has too many parts")


def _check_order(kind: bytes, count: int, length: int) -> None:
    if (kind == b"IHDR") != (count == 0) or (kind == b"IHDR" and length != 13):
        raise damaged("PNG", "its header is not where it belongs")


def _check_inflation(kind: bytes, content: bytes, budgets: Budgets) -> None:
    """Refuse text and colour profiles that grow beyond the budget; nothing else reads them."""
    if kind == b"iTXt":
        _, _, rest = content.partition(b"\x00")
        if rest[:1] != b"\x01":
            return
        stream = rest[2:].partition(b"\x00")[2].partition(b"\x00")[2]
    else:
        stream = content.partition(b"\x00")[2][1:]
    inflater = zlib.decompressobj()
    try:
        inflater.decompress(stream, budgets.metadata_bytes)
    except zlib.error:
        return  # it is not passed on, so that its damage harms nobody
    if inflater.unconsumed_tail:
        raise Refused(
            "png-metadata-bomb",
            "This file holds text or a colour profile that grows without end when it is "
            "unpacked. Export the picture again without metadata.",
        )
