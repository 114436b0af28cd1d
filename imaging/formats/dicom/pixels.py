"""The stored pixels of one DICOM frame: checked against the bytes that are there, then decoded."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder

from imaging.formats.budgets import Budgets
from imaging.formats.decoding import decoding
from imaging.formats.dicom.codestream import check_codestream
from imaging.formats.dicom.complaints import refuse_complaints
from imaging.formats.dicom.elements import PIXEL_DATA, broken, cut_short
from imaging.formats.dicom.fragments import read_fragments
from imaging.formats.dicom.source import Source, unsupported_syntax
from imaging.formats.dicom.values import integer, text
from imaging.formats.sniffing import THIS, check_raster_size
from imaging.types import Refused

KEYWORDS = (
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "NumberOfFrames",
)
# which decoder answers for which transfer syntax (INTEROP.md §3); what is missing is refused
DECODERS = {
    uid.ImplicitVRLittleEndian: "",
    uid.ExplicitVRLittleEndian: "",
    uid.ExplicitVRBigEndian: "",
    uid.DeflatedExplicitVRLittleEndian: "",
    uid.RLELossless: "pydicom",
    uid.JPEGBaseline8Bit: "gdcm",
    uid.JPEGExtended12Bit: "gdcm",
    uid.JPEGLossless: "gdcm",
    uid.JPEGLosslessSV1: "gdcm",
    uid.JPEGLSLossless: "pyjpegls",
    uid.JPEGLSNearLossless: "pyjpegls",
    uid.JPEG2000Lossless: "pylibjpeg",
    uid.JPEG2000: "pylibjpeg",
    uid.HTJ2KLossless: "pylibjpeg",
    uid.HTJ2KLosslessRPCL: "pylibjpeg",
    uid.HTJ2K: "pylibjpeg",
}
GREY = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "PALETTE COLOR")
_RLE_RATIO = 64  # PackBits turns two bytes into at most 128


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """Group 0028, checked: of one frame, and how many there are."""

    rows: int
    columns: int
    samples: int
    photometric: str
    allocated: int
    stored: int
    high_bit: int
    signed: bool
    planar: int
    frames: int = 1

    @property
    def frame_bytes(self) -> int:
        pixels = self.rows * self.columns
        if self.photometric == "YBR_FULL_422":
            return pixels * 2 * (self.allocated // 8)
        return pixels * self.samples * (self.allocated // 8)


def read_format(dataset: Dataset, budgets: Budgets) -> PixelFormat:
    """Return the pixel format; Refused for what cannot be an image."""
    rows, columns = integer(dataset, "Rows") or 0, integer(dataset, "Columns") or 0
    check_raster_size(THIS, columns, rows, budgets)
    if max(rows, columns) > 0xFFFF:
        raise broken("Rows or Columns cannot be")
    allocated, stored = _bits(dataset)
    high_bit = integer(dataset, "HighBit")
    return PixelFormat(
        rows=rows,
        columns=columns,
        samples=_samples(dataset),
        photometric=text(dataset, "PhotometricInterpretation").upper(),
        allocated=allocated,
        stored=stored,
        high_bit=high_bit if high_bit and stored <= high_bit < allocated else stored - 1,
        signed=integer(dataset, "PixelRepresentation") == 1,
        planar=integer(dataset, "PlanarConfiguration") or 0,
        frames=max(1, integer(dataset, "NumberOfFrames") or 1),
    )


def decode_frame(source: Source, form: PixelFormat, index: int = 0) -> tuple[NDArray[Any], str]:
    """Return the stored values, (Y, X) or (Y, X, 3), of one frame and their photometric word.

    Nothing is allocated before the bytes that are there can hold, or inflate to, the frame.
    """
    if source.syntax not in DECODERS:
        raise unsupported_syntax(source.syntax)
    element = source.elements[PIXEL_DATA]
    if source.syntax.is_encapsulated:
        if not element.is_open:
            raise broken("its compressed pixels are not in fragments")
        frame = read_fragments(source, form.frames, index, most=2 * form.frame_bytes + 65_536)
        _check_compressed(frame, source.syntax, form)
        data = encapsulate([frame])
    else:
        if element.is_open:
            raise broken("its pixels have no length")
        data = _native_bytes(source, form, index)
    listening = refuse_complaints() if DECODERS[source.syntax] == "gdcm" else nullcontext()
    with decoding("dicom-pixels", "DICOM"), listening:
        array, properties = get_decoder(source.syntax).as_array(
            data, decoding_plugin=DECODERS[source.syntax], **_options(source, form)
        )
    return _in_place(array, source, form), str(properties["photometric_interpretation"])


def _samples(dataset: Dataset) -> int:
    samples = integer(dataset, "SamplesPerPixel") or 1
    photometric = text(dataset, "PhotometricInterpretation").upper()
    expected = 1 if photometric in (*GREY, "PALETTE COLOR") else 3
    if photometric not in GREY + COLOUR or samples != expected:
        raise unsupported_pixels(photometric, samples)
    return samples


def unsupported_pixels(photometric: str, samples: int) -> Refused:
    shown = photometric[:16] or "none"
    return Refused(
        "dicom-photometric",
        f"This file has pixels of a kind ({shown}, {samples} samples) that is not supported. "
        "Send it as MONOCHROME2.",
    )


def _bits(dataset: Dataset) -> tuple[int, int]:
    allocated = integer(dataset, "BitsAllocated") or 0
    stored = integer(dataset, "BitsStored") or allocated
    deepest = 32 if (integer(dataset, "SamplesPerPixel") or 1) == 1 else 16
    if allocated not in (8, 16, 32) or not 1 <= stored <= allocated <= deepest:
        raise Refused(
            "dicom-bits",
            f"This file has {allocated} bits per sample ({stored} used), which is not supported. "
            "Send 8 or 16 bits.",
        )
    return allocated, stored


def _native_bytes(source: Source, form: PixelFormat, index: int) -> bytes:
    element = source.elements[PIXEL_DATA]
    source.stream.seek(0, 2)
    present = min(element.length, source.stream.tell() - element.offset)
    needed = form.frame_bytes * form.frames
    if present < needed:
        frames = f" in {form.frames:,} frames" if form.frames > 1 else ""
        raise Refused(
            "dicom-truncated",
            f"This file is cut short: {form.columns} × {form.rows} pixels{frames} need "
            f"{needed:,} bytes, {max(present, 0):,} are there. Send it again.",
        )
    odd = form.frame_bytes % 2
    if odd and form.frames > 1 and not source.encoding.little:
        raise broken("its frames begin in the middle of a word")
    source.stream.seek(element.offset + index * form.frame_bytes)
    data = source.stream.read(form.frame_bytes + odd)
    return data.ljust(form.frame_bytes + odd, b"\x00")


def _check_compressed(frame: bytes, syntax: uid.UID, form: PixelFormat) -> None:
    if syntax != uid.RLELossless:
        check_codestream(frame, syntax, rows=form.rows, columns=form.columns, samples=form.samples)
    elif len(frame) < 64 or len(frame) * _RLE_RATIO < form.frame_bytes:
        raise cut_short()


def _options(source: Source, form: PixelFormat) -> dict[str, Any]:
    element = source.elements[PIXEL_DATA]
    options: dict[str, Any] = {
        "rows": form.rows,
        "columns": form.columns,
        "number_of_frames": 1,
        "samples_per_pixel": form.samples,
        "photometric_interpretation": form.photometric,
        "pixel_representation": int(form.signed),
        "bits_allocated": form.allocated,
        "bits_stored": form.stored,
        "pixel_keyword": "PixelData",
        "pixel_vr": element.vr or "OW",
        "as_rgb": False,  # the Y of YBR is the luminance already
        "correct_unused_bits": source.syntax.is_encapsulated,
    }
    if form.samples > 1:
        options["planar_configuration"] = form.planar
    return options


def _in_place(array: NDArray[Any], source: Source, form: PixelFormat) -> NDArray[Any]:
    """Bring the stored bits of native pixels to the lowest place, with their sign."""
    if array.shape[:2] != (form.rows, form.columns):
        raise broken("its pixels have another size than its header says")
    if source.syntax.is_encapsulated or form.stored == form.allocated:
        return array
    array = array if array.flags.writeable else array.copy()
    np.left_shift(array, form.allocated - 1 - form.high_bit, out=array)
    np.right_shift(array, form.allocated - form.stored, out=array)
    return array
