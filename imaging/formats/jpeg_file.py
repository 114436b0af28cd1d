"""The structure of a JPEG file: one frame of 8 bits, a few scans, an end."""

from __future__ import annotations

from io import BytesIO
from typing import BinaryIO

from imaging.formats.budgets import Budgets
from imaging.formats.exif import exif_orientation
from imaging.formats.markers import JpegFrame, jpeg_exif, jpeg_frame, scan_start
from imaging.formats.picture import Picture, check_tail, cut_short, damaged, read_whole
from imaging.formats.sniffing import THIS, check_raster_size
from imaging.types import Refused

_DECODED = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)  # baseline, extended, progressive, arithmetic twice


def check_jpeg(file: BinaryIO, budgets: Budgets) -> Picture:
    """Refused for what is cut, of a rare kind, too large, or made to be slow."""
    data = read_whole(file, budgets)
    frame, scans = jpeg_frame(data), scan_start(data)
    if frame is None or scans is None:
        raise cut_short("JPEG")
    _check_frame(frame)
    check_raster_size(THIS, frame.width, frame.height, budgets)
    end = data.find(b"\xff\xd9", scans)
    if end < 0:
        raise cut_short("JPEG")
    if data.count(b"\xff\xda", scans, end) > budgets.scans:
        raise damaged("JPEG", "it has too many scans")
    return Picture(
        stream=BytesIO(data),
        width=frame.width,
        height=frame.height,
        bits=frame.precision,
        orientation=exif_orientation(jpeg_exif(data)),
        warnings=check_tail(data[end + 2 :]),
    )


def _check_frame(frame: JpegFrame) -> None:
    if frame.marker not in _DECODED or frame.precision != 8:
        raise Refused(
            "jpeg-unsupported",
            f"This file is a JPEG of a rare kind ({frame.precision} bits, lossless or "
            "hierarchical), which is not supported. Export the picture again as PNG.",
        )
    if frame.components not in (1, 3, 4):
        raise damaged("JPEG", f"it has {frame.components} colour channels")
