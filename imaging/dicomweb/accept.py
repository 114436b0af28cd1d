"""PURE: what a client takes, from its Accept header (RFC 9110 12.5.1, PS3.18 8.4 and 8.7)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MULTIPART = "multipart/related"
OCTETS, ANY = "application/octet-stream", "*/*"
NATIVE = "1.2.840.10008.1.2.1"  # Explicit VR Little Endian: what octets are in unless more is said
MOST = 50
_PARAMETER = re.compile(r';\s*([\w-]+)\s*=\s*("[^"]*"|[^;,\s]*)')


@dataclass(frozen=True, slots=True)
class Taken:
    """One kind of answer: its media type, in multipart/related or alone; syntax "" if unsaid."""

    media: str
    is_multipart: bool
    syntax: str
    q: float

    def takes(self, media: str) -> bool:
        whole, half = self.media == ANY, self.media.removesuffix("/*")
        return whole or self.media == media or media.startswith(f"{half}/")


def read_accept(header: str) -> list[Taken]:
    """Return what the header takes, the best first; nothing said takes anything."""
    found = [_taken(part) for part in _parts(header or ANY)[:MOST]]
    return sorted((one for one in found if one.q > 0), key=lambda one: -one.q)


def takes_alone(header: str, media: str) -> bool:
    """Whether `media` may be sent as one body."""
    return any(one.takes(media) and not one.is_multipart for one in read_accept(header))


def takes_multipart(header: str, media: str, syntax: str) -> bool:
    """Whether parts of `media` in `syntax` may be sent; */* takes multipart too."""
    return any(
        one.takes(media) and one.syntax in ("", "*", syntax)
        for one in read_accept(header)
        if one.is_multipart or one.media == ANY
    )


def frame_choice(header: str, stored: Sequence[tuple[str, str]], *, can_unpack: bool) -> str:
    """Return how frames go out: a syntax of `stored`, NATIVE, or "" where nothing is taken.

    stored   (media type, transfer syntax) of the frames as they lie, the preferred first.

    Octets without a transfer syntax are native (PS3.18 8.7.3.5.2); anything is best as it lies.
    """
    for one in read_accept(header):
        if not (one.is_multipart or one.media in (ANY, OCTETS)):
            continue
        for media, syntax in stored:
            wanted = one.syntax or (NATIVE if one.media == OCTETS else "")
            if one.takes(media) and wanted in ("", "*", syntax):
                return syntax
        if can_unpack and one.takes(OCTETS) and one.syntax in ("", "*", NATIVE):
            return NATIVE
    return ""


def _parts(header: str) -> list[str]:
    """Split at the commas that stand in no quoted text."""
    return [part for part in re.findall(r'(?:[^,"]|"[^"]*")+', header) if part.strip()]


def _taken(part: str) -> Taken:
    media = part.split(";", 1)[0].strip().lower()
    told = {name.lower(): value.strip('"') for name, value in _PARAMETER.findall(part)}
    is_multipart = media == MULTIPART
    if is_multipart:
        media = told.get("type", ANY).lower() or ANY
    return Taken(media, is_multipart, told.get("transfer-syntax", ""), _weight(told.get("q", "1")))


def _weight(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0
