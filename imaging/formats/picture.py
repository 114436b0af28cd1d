"""What the structure of a PNG, JPEG or TIFF file says, once it has been walked through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from imaging.formats.budgets import MIB, Budgets
from imaging.types import Refused

_EXPORT = "Export the picture again as PNG."
# archives and pages that travel behind a picture; a picture has no business with them
_SMUGGLED = (b"PK\x03\x04", b"PK\x05\x06", b"<script", b"<html", b"<?php", b"%PDF-")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file that is whole and within budget, as far as its structure tells.

    stream       what the decoder gets.
    bits         per sample.
    orientation  EXIF 1 to 8; 1 also where the decoder turns the picture itself.
    is_negative  grey values of which the largest is black, and the decoder leaves them so.
    is_unsigned  False for signed and float samples.
    """

    stream: BinaryIO
    width: int
    height: int
    bits: int = 8
    orientation: int = 1
    is_negative: bool = False
    is_unsigned: bool = True
    warnings: tuple[str, ...] = ()


def read_whole(file: BinaryIO, budgets: Budgets) -> bytes:
    """Return the file's bytes; Refused where no picture within budget needs so many."""
    limit = 8 * budgets.raster_pixels + budgets.metadata_bytes  # RGBA of 16 bits, stored plain
    data = file.read(limit + 1)
    if len(data) > limit:
        raise Refused("file-too-large", f"This file is larger than {limit // MIB} MiB. {_EXPORT}")
    return data


def check_tail(tail: bytes) -> tuple[str, ...]:
    """Judge what follows the end of a picture: a warning, or Refused for another kind of file."""
    lower = tail.lower()
    if any(mark.lower() in lower for mark in _SMUGGLED):
        raise Refused("hidden-content", f"This file carries another file inside. {_EXPORT}")
    if tail.strip(b"\x00\r\n "):
        return (f"{len(tail):,} bytes behind the picture were left out.",)
    return ()


def damaged(kind: str, what: str) -> Refused:
    return Refused(f"{kind.lower()}-damaged", f"This file is damaged: {what}. {_EXPORT}")


def cut_short(kind: str) -> Refused:
    return Refused(
        f"{kind.lower()}-truncated",
        f"This file is cut short: the end of the {kind} picture is missing. "
        "Send it again, or export it again.",
    )
