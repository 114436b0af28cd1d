"""PURE: what becomes of each attribute of a picture that leaves without identity.

Table E.1-1 of PS3.15 2026c lies beside this file as data. On it stand the Basic Profile (113100),
Clean Descriptors (113105) and Modified Dates (113107). What the table does not name is judged by
its kind: texts and bytes stay only where they are listed here, so that what is new goes at first.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from pathlib import Path

TABLE_FILE = Path(__file__).with_name("table.txt")


class Fate(Enum):
    """KEEP as it is, REMOVE, EMPTY, DUMMY value, another UID, EARLIER by days, cleaned WORDS,
    or INSIDE: a sequence that stays, each of its items treated like the rest."""

    KEEP = auto()
    REMOVE = auto()
    EMPTY = auto()
    DUMMY = auto()
    UID = auto()
    EARLIER = auto()
    WORDS = auto()
    INSIDE = auto()


BY_ACTION = {
    "X": Fate.REMOVE,
    "Z": Fate.EMPTY,
    "X/Z": Fate.EMPTY,  # empty is right for type 2 and type 3
    "D": Fate.DUMMY,
    "Z/D": Fate.DUMMY,
    "X/D": Fate.DUMMY,
    "X/Z/D": Fate.DUMMY,  # right for every type
    "U": Fate.UID,
    "X/Z/U*": Fate.INSIDE,
}
BY_KIND = {  # of what the table does not name
    "UI": Fate.UID, "SQ": Fate.INSIDE,
    **dict.fromkeys(("PN", "AE", "AS", "LO", "SH", "LT", "ST", "UC", "UT", "UR", "UN"),
                    Fate.REMOVE),
    **dict.fromkeys(("OB", "OW", "OD", "OF", "OL", "OV"), Fate.REMOVE),
}  # fmt: skip
BIRTH = frozenset((0x00100030, 0x00100032))  # no date of the option: they go with the person
DESCRIPTORS = frozenset((
    0x00081030, 0x0008103E, 0x00180010, 0x00181030, 0x00189424, 0x00321060, 0x00400254,
))  # study, series, contrast agent, protocols, procedure asked for and done  # fmt: skip
TEXTS = frozenset((  # not of a person: device, coded terms, and how the pixels are to be read
    0x00080070, 0x00081090, 0x00181020, 0x00080100, 0x00080102, 0x00080103, 0x00080104,
    0x00180024, 0x00189005, 0x00180085, 0x00181160, 0x00181210, 0x00181250, 0x00181251,
    0x00181261, 0x00181401, 0x00189041, 0x00189050, 0x00201040, 0x00281054, 0x00281055,
    0x00283003, 0x00209421,
))  # fmt: skip
TABLES = frozenset(range(0x00281201, 0x00281205)) | frozenset(range(0x00281221, 0x00281225))
_GROUPS = frozenset((0x0000, 0x0002, 0x0004))  # of messages, files and media


def _read(path: Path) -> dict[int, str]:
    rows = [line.split(maxsplit=2) for line in path.read_text("utf-8").splitlines()]
    return {int(row[0], 16): row[1] for row in rows if row[0] != "#"}


TABLE: Mapping[int, str] = _read(TABLE_FILE)


def fate_of(tag: int, vr: str) -> Fate:
    """Return what becomes of an attribute; `vr` is the data dictionary's, not the file's word."""
    if _is_gone(tag):
        return Fate.REMOVE
    if vr in ("DA", "DT", "TM") and tag not in BIRTH:
        return Fate.EARLIER
    if tag in DESCRIPTORS:
        return Fate.WORDS
    if (action := TABLE.get(tag)) is not None:
        if vr == "SQ" and action.startswith("X/") and action.endswith("D"):
            return Fate.REMOVE  # optional (type 3) in every kind of image that is taken in
        fate = BY_ACTION[action]
        return Fate.UID if fate is Fate.DUMMY and vr == "UI" else fate
    return Fate.KEEP if tag in TEXTS or tag in TABLES else BY_KIND.get(vr, Fate.KEEP)


def _is_gone(tag: int) -> bool:
    """Private groups, overlays, curves, group lengths, and what surrounds a data set."""
    group = tag >> 16
    family = group & 0xFF00
    return bool(
        group & 1 or group in _GROUPS or family in (0x5000, 0x6000) or group >= 0xFFFA
        or not tag & 0xFFFF
    )  # fmt: skip
