"""PURE: an answer of several parts, written as it is read (RFC 2387, PS3.18 8.6)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

PREAMBLE_BYTES = 128


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its Content-Type with its parameters, where else it can be had, its bytes."""

    content_type: str
    location: str
    content: Iterable[bytes]


def new_boundary() -> str:
    return f"mediscan-{secrets.token_hex(16)}"


def content_type(boundary: str, media: str) -> str:
    return f'multipart/related; type="{media}"; boundary={boundary}'


def written(parts: Iterable[Part], boundary: str) -> Iterator[bytes]:
    """Yield the body; an error while a part is read breaks it off, so that it never looks whole."""
    for part in parts:
        yield (
            f"--{boundary}\r\nContent-Type: {part.content_type}\r\n"
            f"Content-Location: {part.location}\r\n\r\n"
        ).encode("ascii")
        yield from part.content
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode("ascii")


def without_preamble(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a DICOM file with its first 128 bytes zero: nothing in them is DICOM (PS3.10 7.1)."""
    left = PREAMBLE_BYTES
    for chunk in chunks:
        blank = min(left, len(chunk))
        left -= blank
        yield bytes(blank) + chunk[blank:] if blank else chunk
