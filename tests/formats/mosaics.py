"""Siemens mosaics made by code: slices side by side, their number in a private header (CSA2)."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tests.formats.factories import dicom_dataset, dicom_file

MR = "1.2.840.10008.5.1.4.1.1.4"
GAP = 3.5


def tiles(array: np.ndarray) -> np.ndarray:
    """Return the slices (Z, Y, X) side by side, row after row, on a square board."""
    depth, height, width = array.shape
    side = math.ceil(math.sqrt(depth))
    board = np.zeros((side * height, side * width), array.dtype)
    for z, plane in enumerate(array):
        y, x = divmod(z, side)
        board[y * height : (y + 1) * height, x * width : (x + 1) * width] = plane
    return board


def csa(tags: Mapping[str, Sequence[str]]) -> bytes:
    """Return a CSA2 header of `tags`, each a list of numbers written as text."""
    parts = [b"SV10\x04\x03\x02\x01", struct.pack("<2I", len(tags), 77)]
    for name, values in tags.items():
        kind = b"IS" if len(values) == 1 else b"FD"
        parts.append(struct.pack("<64si4s3i", name.encode(), len(values), kind, 6, len(values), 77))
        for value in values:
            content = value.encode() + b"\x00"
            parts.append(struct.pack("<4i", len(content), len(content), 77, len(content)))
            parts.append(content + bytes(-len(content) % 4))
    return b"".join(parts)


def mosaic_file(
    array: np.ndarray,
    *,
    normal: Sequence[float] | None = (0.0, 0.0, 1.0),
    count: int | None = None,
    board: np.ndarray | None = None,
    private: bytes | None = None,
    **values: Any,
) -> bytes:
    """Return a mosaic of `array`; `count`, `board` and `private` replace what tells the truth."""
    told = {"NumberOfImagesInMosaic": [str(len(array) if count is None else count)]}
    if normal is not None:
        told["SliceNormalVector"] = [str(part) for part in normal]
    own = {
        "SOPClassUID": MR,
        "Modality": "MR",
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"],
        "PixelSpacing": [3.0, 2.0],
        "SpacingBetweenSlices": GAP,
        "RescaleSlope": None,
        "RescaleIntercept": None,
    }
    dataset = dicom_dataset(tiles(array) if board is None else board, **(own | values))
    block = dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", csa(told) if private is None else private)
    return dicom_file(dataset)
