"""The files that a client gets: the picture as a NIfTI volume, what was marked as a label map.

Both stand in one place: where a picture does not say where it lies, from the origin on in LPS.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import numpy as np
from numpy.typing import NDArray

from accounts.models import Blob
from accounts.vault.storage import blob_open
from imaging.formats.nifti_mask import nifti_header
from imaging.formats.nifti_volume import nifti_pieces
from imaging.formats.nrrd_volume import nrrd_pieces
from imaging.mask_files import map_of, slices_of
from imaging.models import Image, Result

NII, NIFTI, NRRD = ".nii", ".nii.gz", ".nrrd"
MEDIA = {
    NII: "application/octet-stream",
    NIFTI: "application/gzip",
    NRRD: "application/octet-stream",
}
Affine = Sequence[Sequence[float]]


def picture_pieces(image: Image) -> Iterator[bytes]:
    """Yield the picture as NIfTI-1, unpacked: its own values, nothing of its header or its name."""
    facts = image.facts
    scale = (float(facts.get("slope", 1)), float(facts.get("intercept", 0)))
    yield nifti_header(image.shape, affine_of(image), None, dtype=image.dtype, scale=scale)
    with blob_open(image.pixels) as content:
        yield from content.chunks()


def picture_size(image: Image) -> int:
    """Return the bytes of that file."""
    return len(nifti_header(image.shape, None, None, dtype=image.dtype)) + image.pixels.size


def found_file(result: Result, ending: str, *, packed: bool = True) -> bytes:
    """Return what the models found at the saved threshold: label n of `label_names` is n."""
    kept = {one.name: one.blob for one in result.maps.select_related("blob")}
    names = [f"label-{n}" for n in range(len(result.labels))]
    several = [kept[name] for name in names if name in kept]
    return _file(result.image, several or [map_of(result)], result.level, ending, packed)


def mask_file_as(result: Result, kept: Blob, level: int, ending: str) -> bytes:
    """Return one mask, a reader's: 0 and 1."""
    return _file(result.image, [kept], level, ending, True)


def label_names(result: Result) -> dict[str, int]:
    """Return the values of `found_file` by the labels' names."""
    return {name: number for number, name in enumerate(result.labels, 1)}


def affine_of(image: Image) -> Affine:
    """Return voxel (x, y, z) to LPS mm; of a picture without a place from the origin on."""
    if (affine := image.facts.get("affine")) is not None:
        return affine
    z, y, x = image.facts.get("spacing_mm") or (1.0, 1.0, 1.0)
    return [[x, 0, 0, 0], [0, y, 0, 0], [0, 0, z, 0], [0, 0, 0, 1]]


def _file(image: Image, maps: Sequence[Blob], level: int, ending: str, packed: bool) -> bytes:
    voxels = (plane.tobytes() for plane in _planes(image, maps, level))
    if ending == NRRD:
        made = nrrd_pieces(voxels, image.shape, affine=affine_of(image), packed=packed)
    else:
        made = nifti_pieces(
            voxels, image.shape, dtype="uint8", scale=(1.0, 0.0), affine=affine_of(image),
            spacing=None,
        )  # fmt: skip
    return b"".join(made)


def _planes(image: Image, maps: Sequence[Blob], level: int) -> Iterator[NDArray[np.uint8]]:
    """Yield a label map (Z, Y, X) slice by slice; where labels overlap, the likeliest shows."""
    with ExitStack() as stack:
        contents = [stack.enter_context(blob_open(one)) for one in maps]
        for planes in zip(*(slices_of(one, image) for one in contents), strict=True):
            stacked = np.stack(planes)
            likeliest = stacked.argmax(axis=0).astype(np.uint8) + 1  # ties: the first label
            yield np.where(stacked.max(axis=0) >= level, likeliest, np.uint8(0))
