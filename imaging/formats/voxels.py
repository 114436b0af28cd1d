"""Voxels of a volume file (NIfTI, NRRD): checked against budgets, read piece by piece."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from imaging.formats.budgets import MIB, Budgets
from imaging.types import Refused

_CHUNK = MIB
_MAX_DEFLATE = 1032  # zlib's best: no stream inflates further
_STORED = {"u1": "uint8", "i1": "int16", "u2": "uint16", "i2": "int16", "f4": "float32"}
Affine = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Told:
    """How refusals of one kind of file begin and end: their code, its name, what helps."""

    code: str
    noun: str
    resave: str

    def broken(self, what: str) -> Refused:
        sentence = f"This file is a damaged {self.noun} file: {what}. {self.resave}"
        return Refused(f"{self.code}-broken", sentence)

    def cut_short(self) -> Refused:
        sentence = f"This file is cut short. Send it again. {self.resave}"
        return Refused(f"{self.code}-truncated", sentence)

    def other_type(self, word: str) -> Refused:
        return Refused(
            f"{self.code}-type",
            f"This file has {word} voxels, which are not supported. Save whole numbers or floats.",
        )

    def out_of_range(self) -> Refused:
        return Refused(
            f"{self.code}-range",
            "This file holds voxel values above 31 bits. Save it as 16-bit numbers or floats.",
        )


def check_voxels(sizes: tuple[int, ...], budgets: Budgets) -> None:
    """Raise Refused for more voxels than are read; `sizes` counts x first."""
    if math.prod(sizes) > budgets.volume_voxels:
        shown = " × ".join(f"{one:,}" for one in sizes[:3])
        raise Refused(
            "too-many-voxels",
            f"This file is {shown} voxels; at most "
            f"{budgets.volume_voxels // MIB} million are read. Reduce it and send it again.",
        )


def check_bytes(needed: int, size: int, is_packed: bool, budgets: Budgets, told: Told) -> None:
    """Refuse before anything is allocated: over budget, or more than the bytes can hold."""
    if needed > budgets.inflated_bytes:
        raise Refused(
            "inflates-too-far",
            f"This file needs {needed // MIB:,} MiB unpacked; at most "
            f"{budgets.inflated_bytes // MIB:,} MiB are read. Reduce it and send it again.",
        )
    if needed > (size * _MAX_DEFLATE if is_packed else size):
        raise told.cut_short()


def read_voxels(file: IO[bytes], dtype: np.dtype[Any], count: int, told: Told) -> NDArray[Any]:
    """Return `count` voxels in an allowed type, read and converted piece by piece."""
    kind = dtype.str[1:]
    wide = kind in ("i8", "u8", "u4", "i4")
    array = np.empty(count, np.int32 if wide else _STORED.get(kind, "float32"))
    step = _CHUNK // dtype.itemsize
    for start in range(0, count, step):
        some = min(step, count - start)
        piece = np.frombuffer(_exactly(file, some * dtype.itemsize, told), dtype)
        _check_piece(piece, array.dtype, told)
        array[start : start + some] = piece
    return array


def _check_piece(piece: NDArray[Any], target: np.dtype[Any], told: Told) -> None:
    if target.kind == "f":
        largest = np.maximum(-piece.min(), piece.max())  # NaN and infinity come through
        if not largest <= np.finfo(np.float32).max:
            raise Refused(
                "not-finite",
                "This file holds voxels that are not numbers (NaN or infinite). "
                "Replace them and save it again.",
            )
    elif piece.dtype.itemsize > 2 and (piece.max() > 2**31 - 1 or piece.min() < -(2**31)):
        raise told.out_of_range()


def _exactly(file: IO[bytes], count: int, told: Told) -> bytes:
    """Return `count` bytes; a stream that ends before is cut short."""
    parts: list[bytes] = []
    while count > 0:
        try:
            part = file.read(count)
        except EOFError:
            part = b""
        if not part:
            raise told.cut_short()
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def skip(file: IO[bytes], count: int, told: Told) -> None:
    while count > 0:
        count -= len(_exactly(file, min(count, _CHUNK), told))


def drain(file: IO[bytes], limit: int, told: Told) -> None:
    """Read to the end, so that gzip compares its checksum; what follows the voxels is counted."""
    total = 0
    try:
        while part := file.read(_CHUNK):
            total += len(part)
            if total > limit:
                raise told.broken("data without end follows its voxels")
    except EOFError as error:
        raise told.cut_short() from error
    except zlib.error as error:
        raise told.broken("its compressed part cannot be inflated") from error


def is_place(affine: NDArray[np.float64]) -> bool:
    """Whether the affine's axes span a space."""
    return bool(abs(np.linalg.det(affine[:3, :3])) > 1e-12)


def rows_of(affine: NDArray[np.float64]) -> Affine:
    return tuple(tuple(float(part) for part in row) for row in affine)


def sides_mm(affine: Affine) -> tuple[float, float, float]:
    """Return the lengths (x, y, z) of the affine's columns."""
    x, y, z = (math.hypot(*(row[axis] for row in affine[:3])) for axis in range(3))
    return x, y, z


def believable(sides: tuple[float, float, float]) -> tuple[float, float, float] | None:
    """Return sides (x, y, z) as spacing (z, y, x), or None for lengths that no scanner has."""
    x, y, z = sides
    return (z, y, x) if all(1e-4 <= part <= 1e3 for part in sides) else None
