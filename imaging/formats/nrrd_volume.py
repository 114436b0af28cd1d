"""A volume as NRRD in one file: a new header with nothing of the old one, voxels raw or gzip."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence

_LEVEL = 4  # of gzip: a mask is runs of one value, more effort finds no more
_GZIP = 31  # of zlib's window bits: a gzip member without a name and without a time


def nrrd_pieces(
    voxels: Iterable[bytes],
    shape: tuple[int, int, int],
    *,
    affine: Sequence[Sequence[float]],
    packed: bool = True,
) -> Iterator[bytes]:
    """Yield the file of uint8 voxels (Z, Y, X) as they come.

    affine  voxel (x, y, z) to patient LPS mm, 4 x 4.

    Source: http://teem.sourceforge.net/nrrd/format.html
    """
    yield _header(shape, affine, packed).encode("ascii")
    if not packed:
        yield from voxels
        return
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    for piece in voxels:  # NRRD counts x fastest, as these rows do
        yield packer.compress(piece)
    yield packer.flush()


def _header(shape: tuple[int, int, int], affine: Sequence[Sequence[float]], packed: bool) -> str:
    columns = [_vector(row[axis] for row in affine[:3]) for axis in range(3)]
    lines = [
        "NRRD0004",
        "type: uint8",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {' '.join(str(size) for size in shape[::-1])}",
        f"space directions: {' '.join(columns)}",
        "kinds: domain domain domain",
        f"encoding: {'gzip' if packed else 'raw'}",
        f"space origin: {_vector(row[3] for row in affine[:3])}",
    ]
    return "\n".join(lines) + "\n\n"


def _vector(numbers: Iterable[float]) -> str:
    return f"({','.join(repr(float(number)) for number in numbers)})"
