"""Every marker segment of a JPEG stream checked against the standard, before GDCM sees it.

GDCM ends its own process over a header that does not hold together (measured on python-gdcm
3.2.6: segmentation faults and uncaught exceptions on single changed bytes). What passes here
leaves it nothing but coded pixels. Source: ITU-T T.81, annexes B and H.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from imaging.formats.dicom.elements import broken, cut_short
from imaging.formats.markers import JpegFrame
from imaging.types import Refused

_SOF_BASELINE, _SOF_EXTENDED, _SOF_LOSSLESS = 0xC0, 0xC1, 0xC3
_DHT, _EOI, _SOS, _DQT, _DRI, _COM = 0xC4, 0xD9, 0xDA, 0xDB, 0xDD, 0xFE
_APP0, _APP14, _APP15 = 0xE0, 0xEE, 0xEF
_MAX_SCANS = 4
# the next marker in coded data: not a stuffed zero, a restart, or a fill byte
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


@dataclass(slots=True)
class _Seen:
    """What the segments so far have defined."""

    frame: JpegFrame | None = None
    components: set[int] = field(default_factory=set)
    huffman: set[int] = field(default_factory=set)  # class << 4 | identifier
    scanned: set[int] = field(default_factory=set)
    scans: int = 0


def check_jpeg_stream(data: bytes, *, lossless: bool) -> JpegFrame:
    """Return the frame header of a whole stream; Refused for anything out of place.

    lossless   process 14 (SOF3); else sequential DCT (SOF0, SOF1). A precision that the
               transfer syntax does not allow is left to the caller.
    """
    if data[:2] != b"\xff\xd8":
        raise _wrong("has no beginning")
    seen, position = _Seen(), 2
    while True:
        marker, start, end = _segment(data, position)
        if marker == _EOI:
            break
        _check_segment(marker, data[start:end], seen, lossless=lossless)
        position = end
        if marker == _SOS:
            found = _MARKER.search(data, end)
            if found is None:
                raise cut_short()
            position = found.start()
    if seen.frame is None or seen.scanned != seen.components:
        raise _wrong("lacks a part")
    return seen.frame


def _segment(data: bytes, position: int) -> tuple[int, int, int]:
    """Return (marker, start, end) of the segment at `position`; fill bytes may precede it."""
    while data[position : position + 2] == b"\xff\xff":
        position += 1
    if data[position : position + 1] != b"\xff" or position + 2 > len(data):
        raise cut_short() if position + 2 > len(data) else _wrong("has stray bytes")
    marker = data[position + 1]
    if marker == _EOI:
        return marker, position + 2, position + 2
    length = int.from_bytes(data[position + 2 : position + 4], "big")
    end = position + 2 + length
    if length < 2:
        raise _wrong("has a segment without length")
    if end > len(data):
        raise cut_short()
    return marker, position + 4, end


def _check_segment(marker: int, content: bytes, seen: _Seen, *, lossless: bool) -> None:
    if marker in (_SOF_BASELINE, _SOF_EXTENDED, _SOF_LOSSLESS):
        if (marker == _SOF_LOSSLESS) != lossless:
            raise _wrong("is coded in another way than its header says")
        _check_frame(marker, content, seen, lossless=lossless)
    elif marker == _DHT:
        _check_huffman(content, seen)
    elif marker == _SOS:
        _check_scan(content, seen, lossless=lossless)
    elif marker == _DQT:
        _check_quantisation(content)
    elif marker == _DRI:
        if len(content) != 2:
            raise _wrong("has a restart interval of another length")
    elif not (_APP0 <= marker <= _APP15 or marker == _COM):
        raise _wrong("has a marker that does not belong there")
    elif (marker == _APP0 and content[:5] == b"JFIF\x00" and content[5:6] != b"\x01") or (
        marker == _APP14 and content[:5] == b"Adobe" and content[11:12] > b"\x02"
    ):
        raise _wrong("has a JFIF or Adobe segment of an unknown kind")


def _check_frame(marker: int, content: bytes, seen: _Seen, *, lossless: bool) -> None:
    count = content[5] if len(content) > 5 else 0
    if seen.frame is not None or count not in (1, 3) or len(content) != 6 + 3 * count:
        raise _wrong("has no proper frame header")
    frame = JpegFrame(
        marker=marker,
        precision=content[0],
        height=int.from_bytes(content[1:3], "big"),
        width=int.from_bytes(content[3:5], "big"),
        components=count,
    )
    factors = [(content[i] >> 4, content[i] & 15) for i in range(7, len(content), 3)]
    largest = 1 if lossless else 4
    if any(not 1 <= factor <= largest for pair in factors for factor in pair):
        raise _wrong("has impossible sampling factors")
    if not 2 <= frame.precision <= 16 or (not lossless and frame.precision not in (8, 12)):
        raise _wrong("has an impossible precision")
    seen.frame, seen.components = frame, set(content[6::3])
    if len(seen.components) != count:
        raise _wrong("names a component twice")


def _check_huffman(content: bytes, seen: _Seen) -> None:
    """Each table: class and identifier, 16 counts, so many symbols; the code must fit its tree."""
    while content:
        counts = content[1:17]
        symbols = sum(counts)
        room = 1
        for count in counts:
            room = 2 * room - count
            if room < 0:
                raise _wrong("has an impossible Huffman table")
        if len(content) < 17 + symbols or content[0] >> 4 > 1 or content[0] & 15 > 3:
            raise _wrong("has an impossible Huffman table")
        if content[0] >> 4 == 0 and max(content[17 : 17 + symbols], default=0) > 16:
            raise _wrong("has an impossible Huffman table")
        seen.huffman.add(content[0])
        content = content[17 + symbols :]


def _check_quantisation(content: bytes) -> None:
    while content:
        length = 129 if content[0] >> 4 else 65
        if content[0] >> 4 > 1 or content[0] & 15 > 3 or len(content) < length:
            raise _wrong("has an impossible quantisation table")
        content = content[length:]


def _check_scan(content: bytes, seen: _Seen, *, lossless: bool) -> None:
    count = content[0] if content else 0
    if seen.frame is None or not 1 <= count <= 3 or len(content) != 4 + 2 * count:
        raise _wrong("has no proper scan header")
    chosen = set(content[1 : 1 + 2 * count : 2])
    tables = {table >> 4 for table in content[2 : 2 + 2 * count : 2]}
    if not lossless:
        tables |= {0x10 | (table & 15) for table in content[2 : 2 + 2 * count : 2]}
    first, last, shifts = content[-3:]
    if lossless:
        fits = 1 <= first <= 7 and last == 0 and shifts < seen.frame.precision
    else:
        fits = (first, last, shifts) == (0, 63, 0)
    seen.scans += 1
    if not fits or not chosen <= seen.components or len(chosen) != count:
        raise _wrong("has a scan of an unknown kind")
    if chosen & seen.scanned or not tables <= seen.huffman or seen.scans > _MAX_SCANS:
        raise _wrong("has a scan that lacks its tables")
    seen.scanned |= chosen


def _wrong(what: str) -> Refused:
    return broken(f"its compressed picture {what}")
