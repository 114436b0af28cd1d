"""What one DICOM instance says of itself, without pixels, and where each frame lies."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from imaging.formats.budgets import Budgets
from imaging.formats.decoding import decoding
from imaging.formats.dicom.elements import FLOAT_PIXEL_DATA, PIXEL_DATA
from imaging.formats.dicom.fragments import locate_fragments
from imaging.formats.dicom.opened import Opened, opened
from imaging.formats.dicom.pixels import PixelFormat, decode_frame, read_format, unsupported_pixels
from imaging.formats.dicom.source import Source, header_too_large, load_values

VALUE_BYTES = 16 << 10  # a longer value is no description of an image
SEQUENCE_BYTES = 256 << 10
JSON_BYTES = 1 << 20
_PIXELS = (PIXEL_DATA, *FLOAT_PIXEL_DATA)
_BINARY = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))
_CHARACTER_SET = "00080005"


def describe_instance(path: Path, budgets: Budgets | None = None) -> dict[str, Any]:
    """Return {"attributes", "layout"} of the file at `path`: nothing of it is decoded.

    attributes  DICOM JSON (PS3.18 F.2) in UTF-8; private and binary values are left out.
    layout      syntax, frames, frame_bytes, rows, columns, samples, allocated, stored, high_bit,
                signed, photometric; `offset` of frame 1 where frames lie in the file as they are
                (little endian, not compressed), `pieces` [[offset, length], …] of each frame
                where they are compressed in fragments; neither: they must be unpacked.

    Raises: Refused for what is no image of a kind that is analysed, or says too much.
    """
    budgets = budgets or Budgets()
    with opened(path, budgets) as picture:
        form = read_format(picture.dataset, budgets)
        attributes = _attributes(picture.source, budgets)
        layout = _layout(picture, form)
    if len(json.dumps(attributes)) > JSON_BYTES:
        raise header_too_large()
    return {"attributes": attributes, "layout": layout}


def header_json(dataset: Dataset) -> dict[str, Any]:
    """Return DICOM JSON (PS3.18 F.2) of a dataset, in UTF-8, without private and binary values."""
    told = _plain(dataset.to_json_dict(suppress_invalid_tags=True))
    told[_CHARACTER_SET] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    return told


def native_frames(path: Path, budgets: Budgets | None = None) -> Iterator[bytes]:
    """Yield each frame of a grey image as Explicit VR Little Endian has it: rows of stored values.

    Raises: Refused for colours, whose values change by being decoded.
    """
    with opened(path, budgets or Budgets()) as picture:
        form = read_format(picture.dataset, picture.budgets)
        if form.samples != 1:
            raise unsupported_pixels(form.photometric, form.samples)
        kind = np.dtype(f"<{'i' if form.signed else 'u'}{form.allocated // 8}")
        for index in range(form.frames):
            array, _ = decode_frame(picture.source, form, index)
            yield array.astype(kind, copy=False).tobytes()


def _layout(picture: Opened, form: PixelFormat) -> dict[str, Any]:
    source, pieces, offset = picture.source, None, None
    if source.syntax.is_encapsulated:
        pieces = [[list(one) for one in frame] for frame in locate_fragments(source, form.frames)]
    elif source.encoding.little and source.syntax != DeflatedExplicitVRLittleEndian:
        offset = source.elements[PIXEL_DATA].offset
    return {
        "syntax": str(source.syntax),
        "frames": form.frames,
        "frame_bytes": form.frame_bytes,
        "rows": form.rows,
        "columns": form.columns,
        "samples": form.samples,
        "allocated": form.allocated,
        "stored": form.stored,
        "high_bit": form.high_bit,
        "signed": form.signed,
        "photometric": form.photometric,
        "offset": offset,
        "pieces": pieces,
    }


def _attributes(source: Source, budgets: Budgets) -> dict[str, Any]:
    wanted = tuple(
        tag
        for tag, element in source.elements.items()
        if tag not in _PIXELS
        and not (tag >> 16) & 1
        and element.length <= (SEQUENCE_BYTES if element.vr in (None, "SQ") else VALUE_BYTES)
    )
    dataset = load_values(source, wanted, budgets)
    with warnings.catch_warnings(), decoding("dicom-header", "DICOM"):
        warnings.simplefilter("ignore")
        return header_json(dataset)


def _plain(told: dict[str, Any]) -> dict[str, Any]:
    """Leave out private and binary values at any depth, and numbers that JSON does not know."""
    kept: dict[str, Any] = {}
    for tag, element in told.items():
        if element["vr"] in _BINARY or int(tag[:4], 16) & 1:
            continue
        values = [_value(one) for one in element.get("Value", ())]
        kept[tag] = {"vr": element["vr"]} | ({"Value": values} if values else {})
    return kept


def _value(one: Any) -> Any:
    if isinstance(one, float) and not math.isfinite(one):
        return None
    is_item = isinstance(one, dict) and all(isinstance(v, dict) and "vr" in v for v in one.values())
    return _plain(one) if is_item and one else one
