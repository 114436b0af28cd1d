"""A mask as NIfTI-1 (.nii.gz): uint8 of 0 and 1 on the grid and in the place of its image."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # DICOM's patient axes to those of NIfTI
_LEVEL = 4  # of gzip: a mask is runs of one value, more effort finds no more
_NO_EXTENSION = bytes(4)
_SCANNER = 1  # qform_code, sform_code: the patient's axes as the scanner has them


def encode_nifti(
    planes: Iterable[NDArray[np.bool_]],
    shape: tuple[int, int, int],
    *,
    affine: Sequence[Sequence[float]] | None,
    spacing: Sequence[float] | None,
) -> bytes:
    """Return the file of a mask given plane by plane (Y, X), `shape` (Z, Y, X).

    affine   voxel (x, y, z) to patient LPS mm; None: the file says no more than the spacing.
    spacing  (z, y, x) in mm, or None: voxels of one.
    """
    sink = io.BytesIO()
    with gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=_LEVEL, mtime=0) as file:
        file.write(nifti_header(shape, affine, spacing))
        for plane in planes:  # NIfTI counts x fastest, as these rows do
            file.write(plane.tobytes())
    return sink.getvalue()


def nifti_header(
    shape: tuple[int, int, int],
    affine: Sequence[Sequence[float]] | None,
    spacing: Sequence[float] | None,
    *,
    dtype: str = "uint8",
    scale: tuple[float, float] = (1.0, 0.0),
) -> bytes:
    """Return the 352 bytes before the voxels, which are little-endian: no text, no time.

    scale  slope and intercept from stored to real values.
    """
    from nibabel.nifti1 import Nifti1Header  # a second of import that a radiograph does not need

    header = Nifti1Header(endianness="<")
    header.set_data_dtype(np.dtype(dtype))
    header.set_data_shape(shape[::-1])
    header.set_zooms(tuple(spacing[::-1]) if spacing else (1.0, 1.0, 1.0))
    if affine is not None:
        ras = _LPS_TO_RAS @ np.asarray(affine, dtype=np.float64)
        header.set_qform(ras, _SCANNER, strip_shears=True)
        header.set_sform(ras, _SCANNER)
    if affine is not None or spacing:
        header.set_xyzt_units("mm")
    header["magic"], header["vox_offset"] = b"n+1", 352
    if scale != (1.0, 0.0):
        header["scl_slope"], header["scl_inter"] = scale
    return bytes(header.binaryblock) + _NO_EXTENSION
