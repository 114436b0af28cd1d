"""A volume as NIfTI-1 (.nii.gz), written piece by piece: a new header, nothing of the old one."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence

from imaging.formats.nifti_mask import nifti_header

_LEVEL = 4
_GZIP = 31  # of zlib's window bits: a gzip member without a name and without a time


def nifti_pieces(
    voxels: Iterable[bytes],
    shape: tuple[int, int, int],
    *,
    dtype: str,
    scale: tuple[float, float],
    affine: Sequence[Sequence[float]] | None,
    spacing: Sequence[float] | None,
) -> Iterator[bytes]:
    """Yield the file of little-endian voxels (Z, Y, X) as they come.

    scale  slope and intercept to real values, HU of a CT.
    """
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    yield packer.compress(nifti_header(shape, affine, spacing, dtype=dtype, scale=scale))
    for piece in voxels:  # NIfTI counts x fastest, as these rows do
        yield packer.compress(piece)
    yield packer.flush()
