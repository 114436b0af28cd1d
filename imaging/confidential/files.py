"""A DICOM file written anew without identity: its header rewritten, its frames unpacked."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from imaging.confidential.disguise import Disguise
from imaging.confidential.rewriting import rewrite
from imaging.formats.budgets import Budgets
from imaging.formats.burned_in import hold_of
from imaging.formats.decoding import decoding
from imaging.formats.dicom.elements import FLOAT_PIXEL_DATA, PIXEL_DATA, cut_short
from imaging.formats.dicom.instance import native_frames
from imaging.formats.dicom.kinds import CLASS_OF
from imaging.formats.dicom.opened import Opened, opened
from imaging.formats.dicom.pixels import PixelFormat, read_format
from imaging.formats.dicom.source import load_values
from imaging.formats.dicom.values import text
from imaging.types import BURNED_IN, Refused

PIECE_BYTES = 1 << 20
LONGEST = 0xFFFFFFFE  # of pixels, PS3.5 7.1.1
MAY_SAY_NAMES = Refused(
    "deidentify-pixels", "Its pixels may show text, and nobody has looked: it stays in the house."
)
COLOURS = Refused(
    "deidentify-colour",
    "Its colours are compressed, or fill not all their bits: what lies there is not known.",
)
TOO_LONG = Refused("deidentify-size", "Its pixels are larger than 4 GiB, unpacked.")


def deidentify(
    path: Path, target: Path, disguise: Disguise, known: Mapping[str, str] | None = None
) -> None:
    """Write the image at `path` to `target` without identity, Explicit VR Little Endian.

    Nothing of the original file is copied but attributes that may stay and decoded pixels, so
    that neither preamble nor codestream nor unused bits carry anything along. `known` has UIDs
    by keyword for a header that lacks them.

    Raises: Refused, also for a picture that may show text and was not looked at.
    """
    budgets = Budgets()
    with opened(path, budgets) as picture, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = _header(picture, budgets)
        _check_pixels(header, picture, disguise)
        form = read_format(picture.dataset, budgets)
        if not text(header, "SOPClassUID"):
            header.SOPClassUID = picture.source.media_class or CLASS_OF.get(picture.modality, "")
        for keyword, uid in (known or {}).items():
            if not text(header, keyword):
                setattr(header, keyword, uid)
        with decoding("dicom-header", "DICOM"):
            rewrite(header, disguise)
            header.HighBit, header.file_meta = form.stored - 1, _meta(header)
            dcmwrite(target, header, enforce_file_format=True)
        with target.open("ab") as file:
            _pixels_write(file, path, picture, form)


def _header(picture: Opened, budgets: Budgets) -> Dataset:
    pixels = (PIXEL_DATA, *FLOAT_PIXEL_DATA)
    tags = tuple(tag for tag in picture.source.elements if tag not in pixels and not tag >> 16 & 1)
    return load_values(picture.source, tags, budgets)


def _check_pixels(header: Dataset, picture: Opened, disguise: Disguise) -> None:
    """Let through what a person has looked at, and what gives no reason to look."""
    hold = hold_of(
        "dicom",
        modality=text(header, "Modality"),
        sop_class_uid=text(header, "SOPClassUID") or picture.source.media_class,
        warnings=[BURNED_IN] if text(header, "BurnedInAnnotation").upper() == "YES" else [],
        raster=False,
    )
    if hold and not disguise.is_reviewed:
        raise MAY_SAY_NAMES


def _meta(header: Dataset) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = header.SOPClassUID
    meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID
    return meta


def _pixels_write(file: BinaryIO, path: Path, picture: Opened, form: PixelFormat) -> None:
    """Append the pixels, the last attribute (PS3.5 7.1), a frame or a piece at a time."""
    length = form.frame_bytes * form.frames
    if length > LONGEST:
        raise TOO_LONG
    vr, padded = b"OB" if form.allocated == 8 else b"OW", length + length % 2
    file.write(struct.pack("<HH2sHI", PIXEL_DATA >> 16, PIXEL_DATA & 0xFFFF, vr, 0, padded))
    frames = native_frames(path) if form.samples == 1 else _as_they_lie(picture, form)
    for piece in frames:
        file.write(piece)
    file.write(bytes(length % 2))


def _as_they_lie(picture: Opened, form: PixelFormat) -> Iterator[bytes]:
    """Yield the bytes of colours that are not compressed: three samples that fill their bits."""
    source, length = picture.source, form.frame_bytes * form.frames
    element = source.elements[PIXEL_DATA]
    is_plain = not source.syntax.is_encapsulated and source.encoding.little
    if not is_plain or form.stored < form.allocated:
        raise COLOURS
    if element.length < length:
        raise cut_short()
    for start in range(0, length, PIECE_BYTES):
        source.stream.seek(element.offset + start)
        yield source.stream.read(min(PIECE_BYTES, length - start))
