"""The one EXIF value that changes a picture: its orientation (stdlib only)."""

from __future__ import annotations

import struct

_ORIENTATION, _SHORT = 0x0112, 3
_MAX_ENTRIES = 1000


def exif_orientation(data: bytes) -> int:
    """Return 1 to 8 from an EXIF block (a TIFF header and its first directory), else 1."""
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(data[:4])
    if order is None or len(data) < 8:
        return 1
    (start,) = struct.unpack_from(order + "I", data, 4)
    if start + 2 > len(data):
        return 1
    (count,) = struct.unpack_from(order + "H", data, start)
    for index in range(min(count, _MAX_ENTRIES)):
        entry = start + 2 + 12 * index
        if entry + 12 > len(data):
            break
        tag, kind, _, value = struct.unpack_from(order + "HHIH", data, entry)
        if tag == _ORIENTATION and kind == _SHORT:
            return value if 1 <= value <= 8 else 1
    return 1
