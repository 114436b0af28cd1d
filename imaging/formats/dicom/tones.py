"""From stored pixels to what they mean: colour, modality LUT, MONOCHROME1, padding, first window.

Sources: PS3.3 C.11.1 (modality), C.11.2 (VOI), C.7.5.1.1.2 (padding); MEASURES.md §7.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut

from imaging.formats.decoding import decoding
from imaging.formats.dicom.elements import broken
from imaging.formats.dicom.pixels import PixelFormat
from imaging.formats.dicom.values import first_item, integer, number, numbers, text, value
from imaging.formats.grey import is_grey, luminance

PALETTE = tuple(
    f"{colour}PaletteColorLookupTable{part}"
    for colour in ("Red", "Green", "Blue")
    for part in ("Descriptor", "Data")
)
KEYWORDS = (
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "ModalityLUTSequence",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "VOILUTSequence",
    *PALETTE,
)
Window = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Tones:
    """Stored values (Y, X) with what turns them into real ones; fields as in Volume."""

    array: NDArray[Any]
    bits: int
    signed: bool
    slope: float = 1.0
    intercept: float = 0.0
    unit: str = "stored value"
    padding: float | None = None
    window: Window | None = None
    warnings: tuple[str, ...] = ()


def grey_of_colour(
    array: NDArray[Any], photometric: str, dataset: Dataset, form: PixelFormat
) -> Tones:
    """Return the luminance of a colour or palette picture."""
    if photometric.startswith("YBR"):
        return Tones(
            array[..., 0], form.stored, signed=False, warnings=("Colour was turned to grey.",)
        )
    if photometric == "PALETTE COLOR":
        with decoding("dicom-palette", "DICOM"):
            array = apply_color_lut(array, dataset)[..., :3]
    warnings = () if is_grey(array) else ("Colour was turned to grey.",)
    return Tones(luminance(array), 8 * array.dtype.itemsize, signed=False, warnings=warnings)


def grey_of_monochrome(
    array: NDArray[Any], dataset: Dataset, form: PixelFormat, modality: str
) -> Tones:
    """Return a monochrome picture with its modality transformation, brighter meaning more."""
    tones = Tones(_allowed_type(array), form.stored, form.signed)
    tones = _mark_padding(tones, dataset)
    if first_item(dataset, "ModalityLUTSequence") is not None:
        tones = _apply_modality_lut(tones, dataset)
    else:
        tones = _with_rescale(tones, dataset, modality)
    tones = replace(tones, window=_window(dataset, signed=form.signed))
    return _turned(tones) if form.photometric == "MONOCHROME1" else tones


def _allowed_type(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype == np.int8:
        return array.astype(np.int16)
    if array.dtype == np.uint32:
        if array.max() > np.iinfo(np.int32).max:
            raise broken("its pixel values are larger than 31 bits")
        return array.astype(np.int32)
    native = array.dtype.newbyteorder("=")
    return array.astype(native, copy=False)


def _mark_padding(tones: Tones, dataset: Dataset) -> Tones:
    """Give every padded pixel the one padding value."""
    padding = _pixel_value(dataset, "PixelPaddingValue", tones)
    if padding is None:
        return tones
    limit = _pixel_value(dataset, "PixelPaddingRangeLimit", tones)
    array = tones.array
    if limit is not None and limit != padding:
        low, high = min(padding, limit), max(padding, limit)
        array = np.where((array >= low) & (array <= high), array.dtype.type(padding), array)
    return replace(tones, array=array, padding=float(padding))


def _pixel_value(dataset: Dataset, keyword: str, tones: Tones) -> int | None:
    """Return a value of the pixels' own type; None if the pixels cannot have it."""
    found = integer(dataset, keyword)
    if found is None:
        return None
    if tones.signed and found > 0x7FFF:  # written as unsigned
        found -= 0x10000
    elif not tones.signed and found < 0:
        found += 0x10000
    limits = np.iinfo(tones.array.dtype)
    return found if limits.min <= found <= limits.max else None


def _with_rescale(tones: Tones, dataset: Dataset, modality: str) -> Tones:
    slope, intercept = number(dataset, "RescaleSlope"), number(dataset, "RescaleIntercept")
    kind = text(dataset, "RescaleType").upper()
    if slope is None or intercept is None or slope == 0 or max(abs(slope), abs(intercept)) > 1e9:
        if modality != "CT":
            return tones
        warning = "No valid rescale in the file: values are not Hounsfield units."
        return replace(tones, warnings=(*tones.warnings, warning))
    unit = "HU" if modality == "CT" and kind in ("", "HU") else "stored value"
    return replace(tones, slope=slope, intercept=intercept, unit=unit)


def _apply_modality_lut(tones: Tones, dataset: Dataset) -> Tones:
    item = first_item(dataset, "ModalityLUTSequence")
    _, little = dataset.original_encoding
    table, first, bits = _lookup_table(item, signed=tones.signed, order="<" if little else ">")
    places = np.clip(tones.array.astype(np.int64) - first, 0, len(table) - 1)
    kind = text(item, "ModalityLUTType").upper() if item is not None else ""
    unit = "HU" if kind == "HU" else "stored value"
    warnings = tones.warnings
    if tones.padding is not None:
        warnings += ("Padding cannot be told from tissue after the file's lookup table.",)
    return Tones(table[places], bits, signed=False, unit=unit, warnings=warnings)


def _lookup_table(
    item: Dataset | None, *, signed: bool, order: str
) -> tuple[NDArray[Any], int, int]:
    """Return (table, first value mapped, bits of an entry); PS3.3 C.11.1.1.1."""
    descriptor = numbers(item, "LUTDescriptor", 3) if item is not None else None
    if item is None or descriptor is None:
        raise broken("its lookup table has no descriptor")
    count, first, bits = (int(part) for part in descriptor)
    count = (count & 0xFFFF) or 0x10000
    first = first - 0x10000 if signed and first > 0x7FFF else first
    table = _table_values(value(item, "LUTData"), count, order)
    if not 8 <= bits <= 16 or len(table) < count:
        raise broken("its lookup table is shorter than it says")
    return table[:count].astype(np.uint8 if bits == 8 else np.uint16), first, bits


def _table_values(data: Any, count: int, order: str) -> NDArray[Any]:
    if isinstance(data, bytes):
        kind = np.dtype(f"{order}u2" if len(data) >= 2 * count else "u1")
        return np.frombuffer(data[: len(data) // kind.itemsize * kind.itemsize], kind)
    try:
        return np.asarray(data if isinstance(data, int) else list(data)).reshape(-1) & 0xFFFF
    except (TypeError, ValueError, OverflowError) as error:
        raise broken("its lookup table cannot be read") from error


def _window(dataset: Dataset, *, signed: bool) -> Window | None:
    """Return the first window as (center, width) of the LINEAR function, in real values."""
    center, width = number(dataset, "WindowCenter"), number(dataset, "WindowWidth")
    if center is not None and width is not None and max(abs(center), width) < 1e9:
        exact = text(dataset, "VOILUTFunction").upper() in ("LINEAR_EXACT", "SIGMOID")
        if exact and width > 0:
            return center + 0.5, width + 1
        if width >= 1:
            return center, width
    item = first_item(dataset, "VOILUTSequence")
    descriptor = numbers(item, "LUTDescriptor", 3) if item is not None else None
    if descriptor is None:
        return None
    count, first = (int(descriptor[0]) & 0xFFFF) or 0x10000, descriptor[1]
    first = first - 0x10000 if signed and first > 0x7FFF else first
    return first + count / 2, float(count)


def _turned(tones: Tones) -> Tones:
    """Return MONOCHROME1 as MONOCHROME2: lowest + highest - x, over the representable range."""
    lowest = -(2 ** (tones.bits - 1)) if tones.signed else 0
    total = -1 if tones.signed else 2**tones.bits - 1
    highest = total - lowest
    if highest > np.iinfo(tones.array.dtype).max:
        raise broken("its pixel values are larger than 31 bits")
    array = total - np.clip(tones.array, lowest, highest)
    padding = tones.padding
    if padding is not None:
        padding = total - padding if lowest <= padding <= highest else None
    window = tones.window
    if window is not None:
        real = tones.slope * total + 2 * tones.intercept
        window = (real - window[0] + 1, window[1])
    return replace(tones, array=array, padding=padding, window=window)
