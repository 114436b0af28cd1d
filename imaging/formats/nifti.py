"""NIfTI-1 volumes (.nii, .nii.gz): own check of the header, nibabel for the axes, own inflating."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from nibabel.nifti1 import Nifti1Header
from numpy.typing import NDArray

from imaging.formats.budgets import MIB, Budgets
from imaging.formats.decoding import decoding
from imaging.types import Decoded, Refused, Volume

_HEADER_BYTES, _DATA_START = 348, 352
_CHUNK = MIB
_MAX_DEFLATE = 1032  # zlib's best: no stream inflates further
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
_STORED = {"u1": "uint8", "i1": "int16", "u2": "uint16", "i2": "int16", "f4": "float32"}
_UNITS = {1: 1000.0, 2: 1.0, 3: 0.001}  # metre, millimetre, micrometre in mm
_RESAVE = "Save it again as NIfTI-1."


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
        raise _cut_short()
    order = "<" if head[:4] == struct.pack("<i", _HEADER_BYTES) else ">"
    if head[344:348] != b"n+1\x00" or struct.unpack_from(order + "i", head)[0] != _HEADER_BYTES:
        raise _broken("it does not begin as a NIfTI-1 file")
    floats = struct.unpack_from(order + "11f", head, 76)  # pixdim, vox_offset, slope, intercept
    shape, volumes = _shape(struct.unpack_from(order + "8h", head, 40), budgets)
    dtype = _dtype(struct.unpack_from(order + "h", head, 70)[0], order)
    needed = math.prod(shape) * dtype.itemsize
    offset = _offset(floats[8])
    _check_bytes(needed + offset, size, kind, budgets)
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
        raise _broken("its dimensions cannot be")
    used = [*sizes[:number], *[1] * (7 - number)]
    if math.prod(used) > budgets.volume_voxels:
        raise Refused(
            "too-many-voxels",
            f"This file is {used[0]:,} × {used[1]:,} × {used[2]:,} voxels; at most "
            f"{budgets.volume_voxels // MIB} million are read. Reduce it and send it again.",
        )
    return (used[2], used[1], used[0]), math.prod(used[3:])


def _dtype(code: int, order: str) -> np.dtype[Any]:
    if code in _TYPES:
        return np.dtype(_TYPES[code]).newbyteorder(order)  # type: ignore[arg-type]
    word = _OTHER_TYPES.get(code, f"type {code}")
    raise Refused(
        "nifti-type",
        f"This file has {word} voxels, which are not supported. Save whole numbers or floats.",
    )


def _offset(value: float) -> int:
    """Return where the voxels begin; 0 stands for the usual place."""
    if value == 0:
        return _DATA_START
    if not math.isfinite(value) or not _DATA_START <= value < 2**31 or value != int(value):
        raise _broken("its voxels begin at an impossible place")
    return int(value)


def _check_bytes(needed: int, size: int, kind: str, budgets: Budgets) -> None:
    """Refuse before anything is allocated: over budget, or more than the bytes can hold."""
    if needed > budgets.inflated_bytes:
        raise Refused(
            "inflates-too-far",
            f"This file needs {needed // MIB:,} MiB unpacked; at most "
            f"{budgets.inflated_bytes // MIB:,} MiB are read. Reduce it and send it again.",
        )
    if needed > (size * _MAX_DEFLATE if kind == "nifti.gz" else size):
        raise _cut_short()


def _scaling(slope: float, intercept: float) -> tuple[float, float]:
    """Return slope and intercept; a slope of 0 or NaN means none (nifti1.h)."""
    if slope == 0 or math.isnan(slope):
        return 1.0, 0.0
    if not math.isfinite(slope) or not math.isfinite(intercept):
        raise _broken("its scaling is not a number")
    return slope, intercept


def _window(high: float, low: float) -> tuple[float, float] | None:
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        return None
    return (low + high) / 2 + 0.5, high - low + 1


def _read_voxels(file: IO[bytes], form: _Form, budgets: Budgets) -> NDArray[Any]:
    """Return the voxels in an allowed type, read and converted piece by piece."""
    _skip(file, form.offset - _HEADER_BYTES)
    kind = form.dtype.str[1:]
    wide = kind in ("i8", "u8", "u4", "i4")
    array = np.empty(form.voxels, np.int32 if wide else _STORED.get(kind, "float32"))
    step = _CHUNK // form.dtype.itemsize
    for start in range(0, form.voxels, step):
        count = min(step, form.voxels - start)
        piece = np.frombuffer(_exactly(file, count * form.dtype.itemsize), form.dtype)
        _check_piece(piece, array.dtype)
        array[start : start + count] = piece
    if form.volumes == 1:
        _drain(file, budgets.inflated_bytes)
    return array.reshape(form.shape)


def _check_piece(piece: NDArray[Any], target: np.dtype[Any]) -> None:
    if target.kind == "f":
        largest = np.maximum(-piece.min(), piece.max())  # NaN and infinity come through
        if not largest <= np.finfo(np.float32).max:
            raise Refused(
                "not-finite",
                "This file holds voxels that are not numbers (NaN or infinite). "
                "Replace them and save it again.",
            )
    elif piece.dtype.itemsize > 2 and (piece.max() > 2**31 - 1 or piece.min() < -(2**31)):
        raise Refused(
            "nifti-range",
            "This file holds voxel values above 31 bits. Save it as 16-bit numbers or floats.",
        )


def _exactly(file: IO[bytes], count: int) -> bytes:
    """Return `count` bytes; a stream that ends before is cut short."""
    parts: list[bytes] = []
    while count > 0:
        try:
            part = file.read(count)
        except EOFError:
            part = b""
        if not part:
            raise _cut_short()
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _skip(file: IO[bytes], count: int) -> None:
    while count > 0:
        count -= len(_exactly(file, min(count, _CHUNK)))


def _drain(file: IO[bytes], limit: int) -> None:
    """Read to the end, so that gzip compares its checksum; what follows the voxels is counted."""
    total = 0
    try:
        while part := file.read(_CHUNK):
            total += len(part)
            if total > limit:
                raise _broken("data without end follows its voxels")
    except EOFError as error:
        raise _cut_short() from error
    except zlib.error as error:
        raise _broken("its compressed part cannot be inflated") from error


def _read_affine(
    head: bytes, form: _Form
) -> tuple[tuple[tuple[float, ...], ...] | None, list[str]]:
    """Return the affine voxel (x, y, z) -> LPS mm, or None and the reason: sform, else qform."""
    with decoding("nifti-header", "NIfTI"):
        header = Nifti1Header.from_fileobj(BytesIO(head), check=False)
        candidates = (header.get_sform(coded=True)[0], header.get_qform(coded=True)[0])
    for candidate in candidates:
        if candidate is None:
            continue
        if not np.isfinite(candidate).all():
            raise _broken("its position is not a number")
        if abs(np.linalg.det(candidate[:3, :3])) > 1e-12:
            lps = np.diag([-form.to_mm, -form.to_mm, form.to_mm, 1.0]) @ candidate
            return tuple(tuple(float(part) for part in row) for row in lps), []
    return None, ["No position in the file: left and right are not known."]


def _spacing(
    affine: tuple[tuple[float, ...], ...] | None, form: _Form
) -> tuple[float, float, float] | None:
    """Return (z, y, x) in mm: the lengths of the affine's columns, else pixdim."""
    if affine is not None:
        x, y, z = (math.hypot(*(row[axis] for row in affine[:3])) for axis in range(3))
    else:
        x, y, z = (part * form.to_mm for part in form.spacing)
    return (z, y, x) if all(1e-4 <= part <= 1e3 for part in (x, y, z)) else None


def _several(volumes: int) -> Refused:
    return Refused(
        "nifti-4d",
        f"This file holds {volumes:,} volumes (it has more than three dimensions). Send one volume "
        "per file, or ask for the first one when you upload.",
    )


def _broken(what: str) -> Refused:
    return Refused("nifti-broken", f"This file is a damaged NIfTI file: {what}. {_RESAVE}")


def _cut_short() -> Refused:
    return Refused("nifti-truncated", f"This file is cut short. Send it again. {_RESAVE}")
