"""Width and height as PNG and JPEG headers state them, read without a decoder (stdlib only)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a length


@dataclass(frozen=True, slots=True)
class JpegFrame:
    """What the frame header (SOF, or SOF55 of JPEG-LS) of a JPEG stream says."""

    marker: int
    precision: int
    height: int
    width: int
    components: int


def png_size(head: bytes) -> tuple[int, int] | None:
    """Return (width, height) of the IHDR chunk, or None if there is none."""
    if head[:8] != PNG_SIGNATURE or head[12:16] != b"IHDR" or len(head) < 24:
        return None
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def jpeg_frame(data: bytes) -> JpegFrame | None:
    """Return the frame header, or None if `data` ends or breaks before it."""
    for marker, start, end in _segments(data):
        if (marker in _SOF or marker == 0xF7) and end - start >= 6 and end <= len(data):
            return JpegFrame(
                marker=marker,
                precision=data[start],
                height=int.from_bytes(data[start + 1 : start + 3], "big"),
                width=int.from_bytes(data[start + 3 : start + 5], "big"),
                components=data[start + 5],
            )
    return None


def scan_start(data: bytes) -> int | None:
    """Return where the first scan (SOS) of a JPEG stream begins, or None."""
    for marker, start, _ in _segments(data):
        if marker == 0xDA:
            return start
    return None


def jpeg_exif(data: bytes) -> bytes:
    """Return the first EXIF block, from its TIFF header on, or nothing."""
    for marker, start, end in _segments(data):
        if marker == 0xE1 and data[start : start + 6] == b"Exif\x00\x00":
            return data[start + 6 : end]
    return b""


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, end) of each segment's content, up to the first scan."""
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            return
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        if marker in _ALONE:
            position += 2
            continue
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        yield marker, position + 4, position + 2 + length
        if marker == 0xDA or length < 2:
            return
        position += 2 + length
