"""What a JPEG, JPEG-LS or JPEG 2000 stream says of itself, before a decoder believes it."""

from __future__ import annotations

from pydicom import uid

from imaging.formats.dicom.elements import broken, cut_short
from imaging.formats.dicom.jpeg_stream import check_jpeg_stream
from imaging.formats.dicom.source import unsupported_syntax
from imaging.formats.markers import jpeg_frame
from imaging.types import Refused

_HTJ2K = (uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K)
_END = b"\xff\xd9"  # EOI, and EOC of JPEG 2000
_MAX_TILES = 65_535  # ISO/IEC 15444-1, A.4.2
_TAIL = 64  # bytes that may follow the end marker


def check_codestream(
    frame: bytes, syntax: uid.UID, *, rows: int, columns: int, samples: int
) -> None:
    """Raise Refused unless the stream is whole and of the size that the header states."""
    if syntax in uid.JPEG2000TransferSyntaxes or syntax in _HTJ2K:
        size = _jpeg2000_size(frame)
    else:
        size = _jpeg_size(frame, syntax)
    if size != (columns, rows, samples):
        raise Refused(
            "dicom-size-mismatch",
            f"This file says {columns} × {rows} pixels of {samples} samples in its header and "
            f"{size[0]} × {size[1]} of {size[2]} in its compressed picture. Export it again.",
        )
    if frame.rfind(_END) < len(frame.rstrip(b"\x00")) - _TAIL:
        raise cut_short()


def _jpeg_size(frame: bytes, syntax: uid.UID) -> tuple[int, int, int]:
    if syntax in uid.JPEGLSTransferSyntaxes:
        header = jpeg_frame(frame) if frame[:2] == b"\xff\xd8" else None
    else:
        lossless = syntax in (uid.JPEGLossless, uid.JPEGLosslessSV1)
        header = check_jpeg_stream(frame, lossless=lossless)
    if header is None:
        raise broken("its compressed picture has no frame header")
    if header.precision == 12 and syntax in (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit):
        raise unsupported_syntax(syntax, " 12-bit")
    return header.width, header.height, header.components


def _jpeg2000_size(frame: bytes) -> tuple[int, int, int]:
    """Return (width, height, components) of the SIZ segment, in a JP2 box or bare."""
    start = frame.find(b"\xff\x4f\xff\x51", 0, 4096)
    siz = frame[start + 6 : start + 6 + 36]  # after SOC, the marker and its length
    if start < 0 or len(siz) < 36:
        raise broken("its compressed picture has no frame header")
    right, bottom, left, top, tile_width, tile_height, tile_left, tile_top = (
        int.from_bytes(siz[i : i + 4], "big") for i in range(2, 34, 4)
    )
    width, height = right - left, bottom - top
    if min(width, height, tile_width, tile_height) <= 0 or tile_left > left or tile_top > top:
        raise broken("its compressed picture has an impossible size")
    tiles = -(-(right - tile_left) // tile_width) * -(-(bottom - tile_top) // tile_height)
    if tiles > _MAX_TILES:
        raise broken("its compressed picture has too many tiles")
    return width, height, int.from_bytes(siz[34:36], "big")
