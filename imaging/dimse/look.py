"""PURE: whether a dataset is whole and what its command says, by tags and lengths alone."""

from __future__ import annotations

from io import BytesIO

from imaging.formats.budgets import Budgets
from imaging.formats.dicom.elements import PIXEL_DATA, UNDEFINED, Encoding, cut_short, walk
from imaging.types import Refused

_CLASS, _INSTANCE = 0x00080016, 0x00080018
_IMPLICIT, _BIG, _DEFLATED = (f"1.2.840.10008.1.2{end}" for end in ("", ".2", ".1.99"))


def dataset_check(data: bytes, *, syntax: str, sop_class: str, sop_instance: str) -> None:
    """Walk a dataset to its pixels, as the decoding child will; a deflated one is left to it.

    Raises: Refused, "study-mismatch" where it is another object than its command says,
    another code where its structure is broken or it holds no picture.
    """
    if syntax == _DEFLATED:
        return
    file = BytesIO(data)
    encoding = Encoding(implicit=syntax == _IMPLICIT, little=syntax != _BIG)
    elements = walk(
        file, end=len(data), encoding=encoding, budgets=Budgets(), is_sequence=lambda tag: False
    )
    for tag, said in ((_CLASS, sop_class), (_INSTANCE, sop_instance)):
        element = elements.get(tag)
        if element is None:
            raise Refused("dicom-no-uid", "The dataset does not say which object it is.")
        file.seek(element.offset)
        if file.read(min(element.length, 64)).rstrip(b"\0 ") != said.encode():
            raise Refused("study-mismatch", "The dataset is another object than its command says.")
    pixels = elements.get(PIXEL_DATA)
    if pixels is None:
        raise Refused("dicom-no-pixels", "The dataset holds no picture.")
    if pixels.length != UNDEFINED and pixels.offset + pixels.length > len(data):
        raise cut_short()
