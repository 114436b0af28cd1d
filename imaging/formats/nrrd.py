"""NRRD volumes in one file (.nrrd): pynrrd reads the header, the voxels are inflated here."""

from __future__ import annotations

import gzip
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from imaging.formats.budgets import HEAD_BYTES, Budgets
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
)
from imaging.types import Decoded, Refused, Volume

_TOLD = Told("nrrd", "NRRD", "Save it again as one .nrrd file, raw or gzip.")
_NAMES = {
    "i1": "signed char|int8|int8_t",
    "u1": "uchar|unsigned char|uint8|uint8_t",
    "i2": "short|short int|signed short|signed short int|int16|int16_t",
    "u2": "ushort|unsigned short|unsigned short int|uint16|uint16_t",
    "i4": "int|signed int|int32|int32_t",
    "u4": "uint|unsigned int|uint32|uint32_t",
    "i8": "longlong|long long|long long int|signed long long|signed long long int|int64|int64_t",
    "u8": "ulonglong|unsigned long long|unsigned long long int|uint64|uint64_t",
    "f4": "float",
    "f8": "double",
}
_TYPES = {name: kind for kind, names in _NAMES.items() for name in names.split("|")}
_ENDIAN = {"little": "<", "big": ">"}
_PACKED = {"raw": False, "gzip": True, "gz": True}
# the space's axes in LPS millimetres; others do not say where left and right are
_SPACES = {
    "left-posterior-superior": (1, 1, 1), "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1), "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1), "las": (1, -1, 1),
}  # fmt: skip
_UNITS = {"mm": 1.0, "millimeter": 1.0, "millimetre": 1.0, "um": 0.001, "cm": 10.0, "m": 1000.0}
_SPATIAL = {"domain", "space", "???", "none"}
_DETACHED = ("data file", "datafile")
_SKIPS = ("line skip", "lineskip", "byte skip", "byteskip")


@dataclass(frozen=True, slots=True)
class _Form:
    """The header's numbers, checked against budget and file; sizes count x first."""

    sizes: tuple[int, int, int]
    dtype: np.dtype[Any]
    is_packed: bool
    start: int


def read_nrrd(path: Path, budgets: Budgets) -> Decoded:
    """Return the one volume of the file; raises Refused. Its order is (Z, Y, X) already.

    Source: http://teem.sourceforge.net/nrrd/format.html
    """
    with path.open("rb") as file:
        header, start = _header(file)
        form = _read_form(header, start, path.stat().st_size, budgets)
        file.seek(form.start)
        with decoding("nrrd", "NRRD"), _voxels(file, form) as stream:
            array = read_voxels(stream, form.dtype, math.prod(form.sizes), _TOLD)
            drain(stream, budgets.inflated_bytes, _TOLD)
    affine, spacing, warnings = _place(header)
    return Decoded(
        format="nrrd",
        volume=Volume(
            array=array.reshape(form.sizes[::-1]),
            spacing_mm=spacing,
            spacing_kind="calibrated" if spacing else "none",
            bits=8 * form.dtype.itemsize,
            affine=affine,
        ),
        warnings=tuple(warnings),
    )


def _voxels(file: IO[bytes], form: _Form) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=file)) if form.is_packed else file


def _header(file: IO[bytes]) -> tuple[dict[str, Any], int]:
    """Return the fields and where the voxels begin: after the first empty line."""
    import nrrd

    head = file.read(HEAD_BYTES)
    lines: list[bytes] = []
    for line in head.splitlines(keepends=True):
        lines.append(line)
        if not line.strip():
            break
    else:
        raise _TOLD.broken("its header has no end")
    try:
        fields = nrrd.read_header(lines)
    except (nrrd.NRRDError, ValueError, ArithmeticError, LookupError, TypeError) as error:
        raise _TOLD.broken("its header cannot be read") from error
    return {str(key).lower(): value for key, value in fields.items()}, sum(map(len, lines))


def _read_form(header: Mapping[str, Any], start: int, size: int, budgets: Budgets) -> _Form:
    if any(field in header for field in _DETACHED):
        raise Refused(
            "nrrd-detached",
            "This file is a header whose voxels lie in another file. Save both as one .nrrd file.",
        )
    if any(header.get(field) for field in _SKIPS):
        raise _TOLD.broken("its voxels do not follow its header")
    encoding = str(header.get("encoding", "")).lower()
    if encoding not in _PACKED:
        raise Refused(
            "nrrd-encoding",
            f"This file keeps its voxels as “{_shown(encoding)}”, which is not supported."
            " Save it as raw or gzip.",
        )
    sizes, dtype = _sizes(header, budgets), _dtype(header)
    needed = math.prod(sizes) * dtype.itemsize
    check_bytes(needed, size - start, _PACKED[encoding], budgets, _TOLD)
    return _Form(sizes, dtype, _PACKED[encoding], start)


def _sizes(header: Mapping[str, Any], budgets: Budgets) -> tuple[int, int, int]:
    given = header.get("sizes")
    sizes = [] if given is None else [int(one) for one in np.ravel(given)]
    if not sizes or len(sizes) != header.get("dimension") or any(one < 1 for one in sizes):
        raise _TOLD.broken("its dimensions cannot be")
    kinds = [str(one).lower() for one in header.get("kinds", ())]
    if len(sizes) > 3 or any(kind not in _SPATIAL for kind in kinds):
        raise Refused(
            "nrrd-4d",
            "This file holds several values for each voxel, or several volumes. Save one volume"
            " of one value each.",
        )
    check_voxels((*sizes, *[1] * (3 - len(sizes))), budgets)
    x, y, z = (*sizes, *[1] * (3 - len(sizes)))
    return x, y, z


def _dtype(header: Mapping[str, Any]) -> np.dtype[Any]:
    word = str(header.get("type", "")).lower()
    if word not in _TYPES:
        raise _TOLD.other_type(f"“{_shown(word)}”")
    kind = _TYPES[word]
    order = _ENDIAN.get(str(header.get("endian", "")).lower())
    if order is None and kind[1] != "1":
        raise _TOLD.broken("it does not say the order of its bytes")
    return np.dtype((order or "<") + kind)


def _place(
    header: Mapping[str, Any],
) -> tuple[Affine | None, tuple[float, float, float] | None, list[str]]:
    """Return the affine voxel (x, y, z) → LPS mm, the spacing (z, y, x), and what is assumed."""
    to_mm, warnings = _unit(header), []
    affine = _affine(header, to_mm or 1.0)
    if affine is None:
        warnings.append("No position in the file: left and right are not known.")
    elif "space origin" not in header:
        warnings.append("No origin in the file: the first voxel is taken for it.")
    spacing = believable(sides_mm(affine) if affine else _spacings(header, to_mm or 1.0))
    if spacing is None:
        warnings.append("No voxel size in the file: measures are in voxels.")
    elif to_mm is None:
        warnings.append("The file names no unit of length; millimetres are assumed.")
    return affine, spacing, warnings


def _unit(header: Mapping[str, Any]) -> float | None:
    units = {str(one).lower() for one in header.get("space units", header.get("units", ()))}
    return _UNITS.get(units.pop()) if len(units) == 1 else None


def _affine(header: Mapping[str, Any], to_mm: float) -> Affine | None:
    signs = _SPACES.get(str(header.get("space", "")).lower())
    directions = np.asarray(header.get("space directions", ()), dtype=np.float64)
    if signs is None or directions.shape != (3, 3):
        return None
    origin = np.asarray(header.get("space origin", (0, 0, 0)), dtype=np.float64)
    matrix = np.eye(4)
    if origin.shape != (3,):
        raise _TOLD.broken("its position is not a number")
    matrix[:3, :3], matrix[:3, 3] = directions.T, origin
    if not np.isfinite(matrix).all():
        raise _TOLD.broken("its position is not a number")
    lps = np.diag([*(sign * to_mm for sign in signs), 1.0]) @ matrix
    return rows_of(lps) if is_place(matrix) else None


def _spacings(header: Mapping[str, Any], to_mm: float) -> tuple[float, float, float]:
    """Return the lengths (x, y, z) where no place is known: of the directions, else spacings."""
    directions = np.asarray(header.get("space directions", ()), dtype=np.float64)
    if directions.ndim == 2 and len(directions):
        lengths = [float(one) for one in np.linalg.norm(directions, axis=1)]
    else:
        lengths = [float(one) for one in np.ravel(header.get("spacings", ()))]
    x, y, z = (*(one * to_mm for one in lengths[:3]), 0.0, 0.0, 0.0)[:3]
    return x, y, z


def _shown(word: str) -> str:
    return "".join(one if one.isalnum() or one in " ._-" else "?" for one in word)[:30]
