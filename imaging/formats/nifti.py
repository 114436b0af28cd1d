"""NIfTI-1 volumes (.nii, .nii.gz): own check of the header, nibabel for the axes, own inflating."""

from __future__ import annotations

import gzip
import math
import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from nibabel.nifti1 import Nifti1Header
from numpy.typing import NDArray

from imaging.formats.budgets import Budgets
from imaging.formats.decoding import decoding
from imaging.formats.voxels import (
    Affine,
    Told,
    believable,
    check_bytes,
    check_voxels,
    drain,
    is_place,
    read_voxels,
    rows_of,
    sides_mm,
    skip,
)
from imaging.types import Decoded, Refused, Volume

_HEADER_BYTES, _DATA_START = 348, 352
_TYPES = {
    2: "u1",
    256: "i1",
    4: "i2",
    512: "u2",
    8: "i4",
    768: "u4",
    1024: "i8",
    1280: "u8",
    16: "f4",
    64: "f8",
}
_OTHER_TYPES = {1: "1-bit", 32: "complex", 128: "RGB colour", 2304: "RGBA colour", 1536: "128-bit"}
_UNITS = {1: 1000.0, 2: 1.0, 3: 0.001}  # metre, millimetre, micrometre in mm
_TOLD = Told("nifti", "NIfTI", "Save it again as NIfTI-1.")


@dataclass(frozen=True, slots=True)
class _Form:
    """The header's numbers, checked against budget and file."""

    shape: tuple[int, int, int]  # (Z, Y, X)
    volumes: int
    dtype: np.dtype[Any]
    offset: int
    slope: float
    intercept: float
    spacing: tuple[float, float, float]  # pixdim (x, y, z), in the file's unit
    to_mm: float
    is_unit_known: bool
    window: tuple[float, float] | None

    @property
    def voxels(self) -> int:
        return math.prod(self.shape)


def read_nifti(path: Path, kind: str, budgets: Budgets, *, first_volume: bool = False) -> Decoded:
    """Return the one volume of the file; raises Refused. The file's order is (Z, Y, X) already.

    first_volume   take the first of several instead of refusing them.
    """
    with _open(path, kind) as file:
        with decoding(kind, "NIfTI"):
            head = file.read(_HEADER_BYTES)
        form = _read_form(head, path.stat().st_size, kind, budgets)
        if form.volumes > 1 and not first_volume:
            raise _several(form.volumes)
        with decoding(kind, "NIfTI"):
            array = _read_voxels(file, form, budgets)
    affine, warnings = _read_affine(head, form)
    spacing = _spacing(affine, form)
    if form.volumes > 1:
        warnings.append(f"The first of {form.volumes:,} volumes was read.")
    if spacing is None:
        warnings.append("No voxel size in the file: measures are in voxels.")
    elif not form.is_unit_known:
        warnings.append("The file names no unit of length; millimetres are assumed.")
    return Decoded(
        format=kind,
        volume=Volume(
            array=array,
            slope=form.slope,
            intercept=form.intercept,
            spacing_mm=spacing,
            spacing_kind="calibrated" if spacing else "none",
            bits=8 * form.dtype.itemsize,
            affine=affine,
            window=form.window,
        ),
        warnings=tuple(warnings),
    )


def _open(path: Path, kind: str) -> IO[bytes]:
    if kind == "nifti.gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    return path.open("rb")


def _read_form(head: bytes, size: int, kind: str, budgets: Budgets) -> _Form:
    """Return the checked header. Source: nifti1.h, NIfTI-1.1 (2007)."""
    if len(head) < _HEADER_BYTES:
        raise _TOLD.cut_short()
    order = "<" if head[:4] == struct.pack("<i", _HEADER_BYTES) else ">"
    if head[344:348] != b"n+1\x00" or struct.unpack_from(order + "i", head)[0] != _HEADER_BYTES:
        raise _TOLD.broken("it does not begin as a NIfTI-1 file")
    floats = struct.unpack_from(order + "11f", head, 76)  # pixdim, vox_offset, slope, intercept
    shape, volumes = _shape(struct.unpack_from(order + "8h", head, 40), budgets)
    dtype = _dtype(struct.unpack_from(order + "h", head, 70)[0], order)
    needed = math.prod(shape) * dtype.itemsize
    offset = _offset(floats[8])
    check_bytes(needed + offset, size, kind == "nifti.gz", budgets, _TOLD)
    slope, intercept = _scaling(floats[9], floats[10])
    unit = head[123] & 0x07
    return _Form(
        shape=shape,
        volumes=volumes,
        dtype=dtype,
        offset=offset,
        slope=slope,
        intercept=intercept,
        spacing=(abs(floats[1]), abs(floats[2]), abs(floats[3])),
        to_mm=_UNITS.get(unit, 1.0),
        is_unit_known=unit in _UNITS,
        window=_window(*struct.unpack_from(order + "2f", head, 124)),
    )


def _shape(dim: tuple[int, ...], budgets: Budgets) -> tuple[tuple[int, int, int], int]:
    """Return (Z, Y, X) and how many such volumes there are; a trailing axis of one is none."""
    number, sizes = dim[0], dim[1:]
    if not 1 <= number <= 7 or any(size < 1 for size in sizes[:number]):
        raise _TOLD.broken("its dimensions cannot be")
    used = [*sizes[:number], *[1] * (7 - number)]
    check_voxels(tuple(used), budgets)
    return (used[2], used[1], used[0]), math.prod(used[3:])


def _dtype(code: int, order: str) -> np.dtype[Any]:
    if code in _TYPES:
        return np.dtype(_TYPES[code]).newbyteorder(order)  # type: ignore[arg-type]
    word = _OTHER_TYPES.get(code, f"type {code}")
    raise _TOLD.other_type(word)


def _offset(value: float) -> int:
    """Return where the voxels begin; 0 stands for the usual place."""
    if value == 0:
        return _DATA_START
    if not math.isfinite(value) or not _DATA_START <= value < 2**31 or value != int(value):
        raise _TOLD.broken("its voxels begin at an impossible place")
    return int(value)


def _scaling(slope: float, intercept: float) -> tuple[float, float]:
    """Return slope and intercept; a slope of 0 or NaN means none (nifti1.h)."""
    if slope == 0 or math.isnan(slope):
        return 1.0, 0.0
    if not math.isfinite(slope) or not math.isfinite(intercept):
        raise _TOLD.broken("its scaling is not a number")
    return slope, intercept


def _window(high: float, low: float) -> tuple[float, float] | None:
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        return None
    return (low + high) / 2 + 0.5, high - low + 1


def _read_voxels(file: IO[bytes], form: _Form, budgets: Budgets) -> NDArray[Any]:
    skip(file, form.offset - _HEADER_BYTES, _TOLD)
    array = read_voxels(file, form.dtype, form.voxels, _TOLD)
    if form.volumes == 1:
        drain(file, budgets.inflated_bytes, _TOLD)
    return array.reshape(form.shape)


def _read_affine(head: bytes, form: _Form) -> tuple[Affine | None, list[str]]:
    """Return the affine voxel (x, y, z) -> LPS mm, or None and the reason: sform, else qform."""
    with decoding("nifti-header", "NIfTI"):
        header = Nifti1Header.from_fileobj(BytesIO(head), check=False)
        candidates = (header.get_sform(coded=True)[0], header.get_qform(coded=True)[0])
    for candidate in candidates:
        if candidate is None:
            continue
        if not np.isfinite(candidate).all():
            raise _TOLD.broken("its position is not a number")
        if is_place(candidate):
            lps = np.diag([-form.to_mm, -form.to_mm, form.to_mm, 1.0]) @ candidate
            return rows_of(lps), []
    return None, ["No position in the file: left and right are not known."]


def _spacing(affine: Affine | None, form: _Form) -> tuple[float, float, float] | None:
    """Return (z, y, x) in mm: the lengths of the affine's columns, else pixdim."""
    if affine is not None:
        return believable(sides_mm(affine))
    x, y, z = (part * form.to_mm for part in form.spacing)
    return believable((x, y, z))


def _several(volumes: int) -> Refused:
    return Refused(
        "nifti-4d",
        f"This file holds {volumes:,} volumes (it has more than three dimensions). Send one volume "
        "per file, or ask for the first one when you upload.",
    )
