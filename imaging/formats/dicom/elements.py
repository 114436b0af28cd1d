"""Where each data element of a DICOM data set lies: an own walk that allocates nothing.

A parser that follows the file's own numbers can be led into gigabytes or into endless depth.
This one reads tags and lengths only, never leaves the bytes that are there, and stops at the
pixels. Source: DICOM PS3.5 chapter 7.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import BinaryIO

from imaging.formats.budgets import Budgets
from imaging.types import Refused

PIXEL_DATA = 0x7FE00010
FLOAT_PIXEL_DATA = (0x7FE00008, 0x7FE00009)
UNDEFINED = 0xFFFFFFFF

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG_VRS = frozenset(
    (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
)
_FRAGMENT_VRS = frozenset((b"OB", b"OW"))


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a data set is written down."""

    implicit: bool
    little: bool

    @property
    def order(self) -> str:
        return "<" if self.little else ">"


@dataclass(frozen=True, slots=True)
class Element:
    """One top-level element; offset and length are those of its value.

    `is_open` says that the file left the length undefined; for pixel data it then stays
    UNDEFINED, for a sequence it is the length that the walk found.
    """

    tag: int
    vr: str | None
    offset: int
    length: int
    is_open: bool = False


class _Kind(Enum):
    DATA_SET = auto()
    SEQUENCE = auto()
    FRAGMENTS = auto()


@dataclass(slots=True)
class _Level:
    kind: _Kind
    end: int | None  # None: closed by a delimiter
    implicit: bool
    opener: Element | None = None  # the top-level sequence whose length is still unknown


def walk(
    file: BinaryIO,
    *,
    end: int,
    encoding: Encoding,
    budgets: Budgets,
    is_sequence: Callable[[int], bool],
) -> dict[int, Element]:
    """Return the top-level elements from the file's position up to and with the pixel data.

    is_sequence   the data dictionary's word for tags that carry no VR.

    Raises Refused for lengths that leave the file, depth or count over budget, broken structure.
    """
    return _Walk(file, end, encoding, budgets, is_sequence).run()


class _Walk:
    def __init__(
        self,
        file: BinaryIO,
        end: int,
        encoding: Encoding,
        budgets: Budgets,
        is_sequence: Callable[[int], bool],
    ) -> None:
        self.file = file
        self.budgets = budgets
        self.is_sequence = is_sequence
        self.tag_format = struct.Struct(encoding.order + "HH")
        self.short = struct.Struct(encoding.order + "H")
        self.long = struct.Struct(encoding.order + "I")
        self.found: dict[int, Element] = {}
        self.count = 0
        self.end = end
        self.position = file.tell()
        self.levels = [_Level(_Kind.DATA_SET, end, encoding.implicit)]

    def run(self) -> dict[int, Element]:
        while self.levels:
            level = self.levels[-1]
            if self._is_over(level):
                self._leave()
            elif level.kind is _Kind.DATA_SET:
                if self._read_element(level):
                    break
            else:
                self._read_item(level)
        return self.found

    def _is_over(self, level: _Level) -> bool:
        if level.end is None:
            return False
        if self.position > level.end:
            raise broken("an item is longer than its sequence")
        return self.position == level.end

    def _read_element(self, level: _Level) -> bool:
        """Read one element and step over or into its value; True at the pixel data."""
        tag = self._tag()
        if tag in (_ITEM_END, _SEQUENCE_END):
            self._close(tag, level)
            return False
        if tag == _ITEM:
            raise broken("an item stands outside a sequence")
        vr, length = self._vr_and_length(level)
        is_top = len(self.levels) == 1
        element = Element(tag, vr.decode("ascii") if vr else None, self.position, length)
        if is_top and tag in (PIXEL_DATA, *FLOAT_PIXEL_DATA):
            self.found[tag] = replace(element, is_open=length == UNDEFINED)
            return True
        if is_top:
            self.found[tag] = element
        self._enter_or_skip(element, vr, level, is_top=is_top)
        return False

    def _enter_or_skip(
        self, element: Element, vr: bytes | None, level: _Level, *, is_top: bool
    ) -> None:
        opener = element if is_top and element.length == UNDEFINED else None
        if element.length == UNDEFINED:
            fragments = vr in _FRAGMENT_VRS or element.tag == PIXEL_DATA
            kind = _Kind.FRAGMENTS if fragments else _Kind.SEQUENCE
            # PS3.5 6.2.2: UN of undefined length is written in implicit VR
            self._push(_Level(kind, None, level.implicit or vr == b"UN", opener))
        elif vr == b"SQ" or (vr is None and self.is_sequence(element.tag)):
            end = self._within(element.length, level)
            self._push(_Level(_Kind.SEQUENCE, end, level.implicit))
        else:
            self._skip(element.length, level)

    def _read_item(self, level: _Level) -> None:
        tag, length = self._tag(), self._unpack(self.long)
        if tag == _SEQUENCE_END:
            self._close(tag, level)
        elif tag != _ITEM:
            raise broken("a sequence holds something that is not an item")
        elif level.kind is _Kind.FRAGMENTS:
            self._skip(length, level)
        else:
            end = None if length == UNDEFINED else self._within(length, level)
            self._push(_Level(_Kind.DATA_SET, end, level.implicit))

    def _close(self, tag: int, level: _Level) -> None:
        """Handle a delimiter; its own length field has been read for sequences only."""
        if level.kind is _Kind.DATA_SET:
            self._unpack(self.long)
        wanted = _ITEM_END if level.kind is _Kind.DATA_SET else _SEQUENCE_END
        if level.end is not None or tag != wanted:
            raise broken("a delimiter stands in the wrong place")
        self._leave()

    def _leave(self) -> None:
        level = self.levels.pop()
        if level.opener is not None:
            start = level.opener.offset
            length = self.position - 8 - start  # the delimiter does not belong to the value
            self.found[level.opener.tag] = replace(level.opener, length=length, is_open=True)

    def _push(self, level: _Level) -> None:
        if len(self.levels) > 2 * self.budgets.depth:  # each sequence adds itself and its item
            raise Refused(
                "dicom-too-deep",
                f"This file nests sequences more than {self.budgets.depth} deep. "
                "Export it again without private data.",
            )
        self.levels.append(level)

    def _vr_and_length(self, level: _Level) -> tuple[bytes | None, int]:
        if level.implicit:
            return None, self._unpack(self.long)
        vr = self._bytes(2)
        if not (vr.isalpha() and vr.isupper()):
            raise broken("an element has no value representation")
        if vr in _LONG_VRS:
            self._bytes(2)
            return vr, self._unpack(self.long)
        return vr, self._unpack(self.short)

    def _tag(self) -> int:
        self.count += 1
        if self.count > self.budgets.elements:
            raise Refused(
                "dicom-too-many-elements",
                f"This file has a header of more than {self.budgets.elements:,} elements. "
                "Export it again without private data.",
            )
        group, element = self.tag_format.unpack(self._bytes(4))
        return (group << 16) | element

    def _skip(self, length: int, level: _Level) -> None:
        self.position = self._within(length, level)
        self.file.seek(self.position)

    def _within(self, length: int, level: _Level) -> int:
        """Return where a value of `length` ends, if that lies inside its level and the file."""
        end = self.position + length
        if length == UNDEFINED or end > self.end:
            raise cut_short()
        if level.end is not None and end > level.end:
            raise broken("a value is longer than the item around it")
        return end

    def _unpack(self, format: struct.Struct) -> int:
        return int(format.unpack(self._bytes(format.size))[0])

    def _bytes(self, count: int) -> bytes:
        data = self.file.read(count)
        if len(data) < count or self.position + count > self.end:
            raise cut_short()
        self.position += count
        return data


def broken(what: str) -> Refused:
    return Refused(
        "dicom-broken", f"This file is a damaged DICOM file: {what}. Export it again as DICOM."
    )


def cut_short() -> Refused:
    return Refused(
        "dicom-truncated", "This file is cut short. Send it again, or export it again as DICOM."
    )
