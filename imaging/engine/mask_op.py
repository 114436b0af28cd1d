"""Reading the mask that a reader drew elsewhere: its own file, on the grid of the image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from imaging.engine.serving import Progress
from imaging.formats.reading import read
from imaging.types import Decoded, Refused

MASK = "mask.raw"
FORMATS = ("png", "nifti", "nifti.gz")
APART_MM = 0.05  # of a voxel's corner: what writers round away


def read_mask(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Write the mask of the file at `path`, one byte 0 or 1 per pixel, into `out_dir`.

    Raises: Refused for what is no mask on the image's grid (`shape`, and `affine` if both know).
    """
    name = args["name"]
    decoded = read(Path(args["path"]), name)
    if decoded.format not in FORMATS:
        raise Refused("mask-format", f"“{name}” is no PNG and no NIfTI file: save the mask as one.")
    array = decoded.volume.array
    _grid_check(name, array.shape, tuple(args["shape"]))
    _place_check(name, decoded, args.get("affine"), array.shape)
    marked = _marked(name, array)
    (Path(args["out_dir"]) / MASK).write_bytes(np.ascontiguousarray(marked).tobytes())
    return {"mask": MASK, "px": int(marked.sum())}


def _grid_check(name: str, found: Sequence[int], wanted: Sequence[int]) -> None:
    if tuple(found) != tuple(wanted):
        raise Refused(
            "mask-grid",
            f"“{name}” is {_size(found)}; the image is {_size(wanted)}. Save the mask on the"
            " image's own grid, without scaling or cropping it.",
        )


def _place_check(name: str, decoded: Decoded, affine: Any, shape: Sequence[int]) -> None:
    """Compare where the far corner lies: a flipped or shifted mask would mark the wrong side."""
    if affine is None or decoded.volume.affine is None:
        return
    last = np.array([*(side - 1 for side in shape[::-1]), 1.0])
    for corner in (np.array([0.0, 0.0, 0.0, 1.0]), last, np.array([last[0], 0.0, 0.0, 1.0])):
        there = np.asarray(decoded.volume.affine) @ corner
        here = np.asarray(affine, dtype=float) @ corner
        if np.abs(there - here).max() > APART_MM:
            raise Refused(
                "mask-place",
                f"“{name}” lies elsewhere than the image: its axes or its origin differ. Export"
                " the mask in the image's own space.",
            )


def _marked(name: str, array: np.ndarray) -> np.ndarray:
    low, high = array.min(), array.max()
    between = np.count_nonzero((array != low) & (array != high))
    if between or low != 0:
        raise Refused(
            "mask-values",
            f"“{name}” is no mask: it must hold 0 where nothing is marked and one other value"
            " where something is.",
        )
    return (array != 0).astype(np.uint8)


def _size(shape: Sequence[int]) -> str:
    """Columns, rows, slices, as people say it."""
    depth, rows, columns = shape
    return f"{columns} × {rows}" + (f" × {depth}" if depth > 1 else "") + " pixels"
