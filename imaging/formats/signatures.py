"""What kind of file some bytes begin, whatever its name says (stdlib only)."""

from __future__ import annotations

import struct
import zlib

EXECUTABLE_MAGIC = (
    b"MZ",
    b"\x7fELF",
    b"#!",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
)

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "bigtiff"),
    (b"MM\x00+", "bigtiff"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"Rar!\x1a\x07", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"\xfd7zXZ\x00", "archive"),
    (b"BZh", "archive"),
    (b"\x28\xb5\x2f\xfd", "archive"),
    (b"NRRD000", "nrrd"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"8BPS", "psd"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
)
_EXPLICIT_VRS = frozenset((b"UL", b"UI", b"CS", b"DA", b"TM", b"SH", b"LO", b"OB", b"DT"))


def sniff(head: bytes) -> str | None:
    """Return the kind of file that `head` begins, or None if it is none that is known."""
    if head.startswith(EXECUTABLE_MAGIC):
        return "exe"
    if has_dicom_mark(head):
        return "dicom"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"\x1f\x8b"):
        return "nifti.gz" if _nifti_kind(_inflated_start(head)) == "nifti" else "gzip"
    return _container_kind(head) or _nifti_kind(head) or _bare_dicom(head) or _text_kind(head)


def has_dicom_mark(head: bytes) -> bool:
    return head[128:132] == b"DICM"


def _inflated_start(head: bytes) -> bytes:
    """Return at most 1 KiB of what the gzip stream holds; empty if it is damaged."""
    try:
        return zlib.decompressobj(31).decompress(head, 1024)
    except zlib.error:
        return b""


def _nifti_kind(head: bytes) -> str | None:
    if len(head) < 348:
        return None
    if 540 in struct.unpack("<i", head[:4]) + struct.unpack(">i", head[:4]):
        return "nifti2" if head[4:7] in (b"n+2", b"ni2") else None
    if 348 not in struct.unpack("<i", head[:4]) + struct.unpack(">i", head[:4]):
        return None
    return {b"n+1\x00": "nifti", b"ni1\x00": "nifti-pair"}.get(head[344:348], "analyze")


def _container_kind(head: bytes) -> str | None:
    if head[:4] == b"RIFF":
        return {b"WEBP": "webp", b"AVI ": "video"}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return "heif" if head[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"avif") else "video"
    if head[:2] == b"BM" and head[6:10] == b"\x00" * 4 and len(head) > 26:
        return "bmp"
    return None


def _bare_dicom(head: bytes) -> str | None:
    """A data set without the 128 bytes and "DICM" that a DICOM file begins with."""
    if head[:2] not in (b"\x02\x00", b"\x08\x00") or len(head) < 16:
        return None
    explicit = head[4:6] in _EXPLICIT_VRS
    implicit = struct.unpack("<I", head[4:8])[0] <= 1024
    return "bare-dicom" if explicit or implicit else None


def _text_kind(head: bytes) -> str | None:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") and len(head) > 2:
        return "text"
    start = head[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start or b"\x00" in start:
        return None
    lower = start.lower()
    if lower.startswith(b"<"):
        return _markup_kind(lower)
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in start)
    return "text" if not controls and _is_decodable(start) else None


def _markup_kind(lower: bytes) -> str:
    if b"<svg" in lower:
        return "svg"
    if any(mark in lower for mark in (b"<html", b"<!doctype html", b"<script", b"<body")):
        return "html"
    return "xml" if lower.startswith((b"<?xml", b"<!")) else "text"


def _is_decodable(start: bytes) -> bool:
    """True for UTF-8, whose last letter may be cut, and for 8-bit text that is mostly ASCII."""
    try:
        start[: max(len(start) - 4, 1)].decode("utf-8")
    except UnicodeDecodeError:
        return sum(byte < 128 for byte in start) >= 0.7 * len(start)
    return True
