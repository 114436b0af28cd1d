"""Open a DICOM file: preamble, group 0002, transfer syntax, then the places of its elements."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from pydicom import config, datadict
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, UID_dictionary

from imaging.formats.budgets import MIB, Budgets
from imaging.formats.dicom.elements import Element, Encoding, broken, cut_short, walk
from imaging.types import Refused

# a value that breaks its own rule is judged by the code that reads it, not by a warning
config.settings.reading_validation_mode = config.IGNORE

_EXPLICIT_LITTLE = Encoding(implicit=False, little=True)
_META_START = 132
_MEDIA_CLASS, _TRANSFER_SYNTAX, _CHARACTER_SET = 0x00020002, 0x00020010, 0x00080005
_META_BYTES = 64 * 1024
_CHUNK = 1 * MIB


@dataclass(frozen=True, slots=True)
class Source:
    """A DICOM file laid open: nothing of it is read yet but its structure."""

    stream: BinaryIO
    syntax: UID
    media_class: str  # SOP class as group 0002 has it; a DICOMDIR says it nowhere else
    encoding: Encoding
    elements: dict[int, Element]

    def value(self, element: Element) -> bytes:
        self.stream.seek(element.offset)
        return self.stream.read(element.length)


def open_source(file: BinaryIO, path: Path, budgets: Budgets) -> Source:
    """Walk the file; Refused if it is no DICOM file or its structure is broken."""
    size = path.stat().st_size
    meta_end, syntax, media_class = _read_meta(file, size, budgets)
    if not syntax.is_transfer_syntax or syntax.name == syntax:
        raise unsupported_syntax(syntax)
    encoding = Encoding(implicit=syntax.is_implicit_VR, little=syntax.is_little_endian)
    stream: BinaryIO = file
    if syntax == DeflatedExplicitVRLittleEndian:
        file.seek(meta_end)
        stream = BytesIO(_inflate(file, budgets))
        size, meta_end = stream.seek(0, 2), 0
    stream.seek(meta_end)
    elements = walk(stream, end=size, encoding=encoding, budgets=budgets, is_sequence=_is_sequence)
    return Source(stream, syntax, media_class, encoding, elements)


def load_values(source: Source, keywords: tuple[str | int, ...], budgets: Budgets) -> Dataset:
    """Return a pydicom Dataset of these elements only; each is converted when it is asked for."""
    wanted = {Tag(keyword) for keyword in keywords} | {Tag(_CHARACTER_SET)}
    chosen = [source.elements[tag] for tag in sorted(wanted) if tag in source.elements]
    if sum(element.length for element in chosen) > budgets.metadata_bytes:
        raise header_too_large()
    raw = {BaseTag(element.tag): _raw(source, element) for element in chosen}
    dataset = Dataset(raw)  # type: ignore[arg-type]  # keys are tags, values raw elements
    dataset.set_original_encoding(source.encoding.implicit, source.encoding.little)
    return dataset


def header_too_large() -> Refused:
    return Refused(
        "dicom-header-too-large",
        "This file has a DICOM header too large to be one of an image. Export it again.",
    )


def unsupported_syntax(syntax: str, detail: str = "") -> Refused:
    name = UID_dictionary[syntax][0] if syntax in UID_dictionary else ""
    shown = f"{name}{detail} ({syntax})" if name else f"“{syntax}”"
    return Refused(
        "dicom-transfer-syntax",
        f"Transfer syntax {shown} is not supported. Send Explicit VR Little Endian.",
    )


def _read_meta(file: BinaryIO, size: int, budgets: Budgets) -> tuple[int, UID, str]:
    """Return where the data set begins, its transfer syntax and its SOP class."""
    if size < _META_START:
        raise cut_short()
    file.seek(_META_START)
    head = BytesIO(file.read(min(_META_BYTES, size - _META_START)))
    end = _group_2_end(head)
    head.seek(0)
    meta = walk(
        head, end=end, encoding=_EXPLICIT_LITTLE, budgets=budgets, is_sequence=lambda tag: False
    )
    syntax = _uid(head, meta.get(_TRANSFER_SYNTAX))
    if not syntax:
        raise Refused(
            "dicom-no-transfer-syntax",
            "This file does not say its transfer syntax. Export it again as DICOM "
            "in Explicit VR Little Endian.",
        )
    return _META_START + end, UID(syntax), _uid(head, meta.get(_MEDIA_CLASS))


def _uid(head: BytesIO, element: Element | None) -> str:
    if element is None:
        return ""
    head.seek(element.offset)
    text = head.read(min(element.length, 64)).decode("ascii", "replace")
    return "".join(c for c in text if c in "0123456789.")


def _group_2_end(head: BytesIO) -> int:
    """Return where the run of group 0002 elements ends, whatever its length element says."""
    end = 0
    while (start := head.read(8))[:2] == b"\x02\x00":
        if len(start) < 8:
            raise cut_short()
        length = int.from_bytes(start[6:8], "little")
        if start[4:6] in (b"OB", b"OW", b"UN", b"UT", b"SQ"):
            length = int.from_bytes(head.read(4), "little")
        end = head.seek(length, 1)
        if end > head.getbuffer().nbytes:
            raise broken("its file header does not end")
    return end


def _inflate(file: BinaryIO, budgets: Budgets) -> bytes:
    """Return the inflated data set, counted while it grows."""
    # the largest frame of 16 bits and its header; inflating more takes over two seconds
    limit = min(budgets.inflated_bytes, 2 * budgets.raster_pixels + budgets.metadata_bytes)
    inflater, inflated = zlib.decompressobj(-zlib.MAX_WBITS), bytearray()
    try:
        while not inflater.eof and (chunk := inflater.unconsumed_tail or file.read(_CHUNK)):
            inflated += inflater.decompress(chunk, _CHUNK)
            if len(inflated) > limit:
                raise Refused(
                    "dicom-inflates-too-far",
                    f"This file inflates to more than {limit // MIB} MiB. "
                    "Send it in Explicit VR Little Endian.",
                )
    except zlib.error as error:
        raise broken("its compressed part cannot be inflated") from error
    if not inflater.eof:
        raise cut_short()
    return bytes(inflated)


def _raw(source: Source, element: Element) -> RawDataElement:
    return RawDataElement(
        BaseTag(element.tag),
        element.vr,
        element.length,
        source.value(element),
        element.offset,
        source.encoding.implicit,
        source.encoding.little,
    )


def _is_sequence(tag: int) -> bool:
    return datadict.dictionary_has_tag(tag) and datadict.dictionary_VR(tag) == "SQ"
