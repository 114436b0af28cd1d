"""Write PNG files with numpy and zlib alone, so that the web process needs no picture library."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}  # channels: grey, RGB, RGBA
_BAND_BYTES = 1 << 17  # rows filtered at once: a web process must not hold a picture many times


def encode_png(array: NDArray[Any], *, level: int = 6, adaptive: bool = True) -> bytes:
    """Return `array` as a PNG file.

    array     bool (Y, X): 1 bit; uint8 (Y, X): grey; uint8 (Y, X, 3 or 4): RGB, RGBA.
    level     zlib effort, 0 to 9.
    adaptive  choose a filter per row: smaller for photographs; masks and flat layers go without.

    Raises ValueError for any other shape or type. Source: PNG specification, W3C, third edition.
    """
    depth, colour, rows = _rows(array)
    height, width = array.shape[:2]
    step = 0
    if depth == 8 and adaptive:
        step = 1 if array.ndim == 2 else array.shape[2]
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", _packed(rows, step, level)),
            _chunk(b"IEND", b""),
        )
    )


def _rows(array: NDArray[Any]) -> tuple[int, int, NDArray[np.uint8]]:
    """Return (bit depth, colour type, bytes of each row)."""
    if array.size == 0 or array.ndim not in (2, 3):
        raise ValueError(f"a PNG needs rows and columns, not an array of shape {array.shape}")
    if array.dtype == np.bool_ and array.ndim == 2:
        return 1, 0, np.packbits(array, axis=1)
    channels = 1 if array.ndim == 2 else array.shape[2]
    if array.dtype != np.uint8 or channels not in _COLOUR_TYPES:
        raise ValueError(f"a PNG cannot hold {array.dtype} of shape {array.shape}")
    return 8, _COLOUR_TYPES[channels], array.reshape(array.shape[0], -1)


def _packed(rows: NDArray[np.uint8], step: int, level: int) -> bytes:
    packer = zlib.compressobj(level)
    packed = [packer.compress(band.tobytes()) for band in _bands(rows, step)]
    return b"".join((*packed, packer.flush()))


def _bands(rows: NDArray[np.uint8], step: int) -> Iterator[NDArray[np.uint8]]:
    """Yield a few rows at a time, each behind the number of its filter; step 0: no filter."""
    count = max(1, _BAND_BYTES // rows.shape[1])
    above = np.zeros_like(rows[:1])
    for start in range(0, len(rows), count):
        band = rows[start : start + count]
        yield _filtered(band, above, step) if step else np.pad(band, ((0, 0), (1, 0)))
        above = band[-1:]


def _filtered(rows: NDArray[np.uint8], above: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """Give each row the filter (none, sub, up, Paeth) whose differences are smallest in sum.

    `above` is the row before the first, (1, bytes); `step` the bytes of a pixel.
    """
    left = np.pad(rows, ((0, 0), (step, 0)))[:, : rows.shape[1]]
    up = np.concatenate([above, rows[:-1]])
    corner = np.pad(up, ((0, 0), (step, 0)))[:, : rows.shape[1]]
    best = np.pad(rows, ((0, 0), (1, 0)))
    cost = _cost(rows)
    for code, guess in ((1, left), (2, up), (4, _paeth(left, up, corner))):
        differences = rows - guess
        better = (new := _cost(differences)) < cost
        best[better, 0], best[better, 1:] = code, differences[better]
        cost = np.where(better, new, cost)
    return best


def _cost(rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return np.abs(rows.view(np.int8).astype(np.int16)).sum(axis=1, dtype=np.uint64)


def _paeth(
    left: NDArray[np.uint8], up: NDArray[np.uint8], corner: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    a, b, c = (part.astype(np.int16) for part in (left, up, corner))
    to_left, to_up, to_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    closest_left = (to_left <= to_up) & (to_left <= to_corner)
    return np.where(closest_left, left, np.where(to_up <= to_corner, up, corner))


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
