"""What a DICOM file's own header says it is, read from its first bytes without any parser."""

from __future__ import annotations

from imaging.formats.dicom.elements import Element

MAGIC_AT, META_AT = 128, 132
_CLASS, _INSTANCE = 0x00020002, 0x00020003
_LONG = (b"OB", b"OW", b"UN", b"UT", b"SQ")


def is_dicom_file(head: bytes) -> bool:
    """Whether these are the first bytes of a DICOM file (PS3.10 7.1)."""
    return head[MAGIC_AT:META_AT] == b"DICM"


def media_uids(head: bytes) -> tuple[str, str]:
    """Return SOP class and SOP instance of group 0002; "" for what it does not say."""
    if not is_dicom_file(head):
        return "", ""
    found = {element.tag: element for element in _group_2(head)}
    return _uid(head, found.get(_CLASS)), _uid(head, found.get(_INSTANCE))


def _group_2(head: bytes) -> list[Element]:
    """The elements of group 0002 that lie wholly within `head`; explicit VR, little endian."""
    found, at = [], META_AT
    while head[at : at + 2] == b"\x02\x00" and at + 12 <= len(head):
        vr = head[at + 4 : at + 6]
        wide = vr in _LONG
        start = at + (12 if wide else 8)
        length = int.from_bytes(head[at + 8 : start] if wide else head[at + 6 : start], "little")
        tag = 0x00020000 | int.from_bytes(head[at + 2 : at + 4], "little")
        if start + length > len(head):
            break
        found.append(Element(tag, vr.decode("latin-1"), start, length))
        at = start + length
    return found


def _uid(head: bytes, element: Element | None) -> str:
    if element is None or element.length > 66:
        return ""
    text = head[element.offset : element.offset + element.length].rstrip(b"\0 ")
    return text.decode() if all(c in b"0123456789." for c in text) and len(text) <= 64 else ""
