"""Siemens mosaics: one picture of many slices side by side, laid into the volume that it is.

How many slices there are, and to which side they lead, stands in the scanner's private header (CSA)
alone; nibabel reads it. Source: nibabel, "Siemens mosaic format" (doc/theory/dicom_mosaic).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from imaging.formats.budgets import Budgets
from imaging.formats.decoding import decoding
from imaging.formats.dicom.geometry import MAX_MM, MIN_MM, Affine, pixel_spacing, read_plane
from imaging.formats.dicom.source import Source, load_values
from imaging.formats.dicom.values import number, text
from imaging.types import Refused

_CSA_GROUP = 0x0029
_REMEDY = "Send the series as single slices, or convert it to NIfTI."
NO_PLACE = (
    "The mosaic does not say where its slices lie: left and right are not known, and nothing is "
    "measured in millimetres."
)


@dataclass(frozen=True, slots=True)
class Mosaic:
    """The slices (Z, Y, X) in the order that leads along the normal, and where they lie."""

    array: NDArray[Any]
    spacing_mm: tuple[float, float, float] | None
    affine: Affine | None
    warnings: tuple[str, ...] = ()


def is_mosaic(dataset: Dataset) -> bool:
    return "MOSAIC" in text(dataset, "ImageType").upper().split("\\")


def unfold(array: NDArray[Any], dataset: Dataset, source: Source, budgets: Budgets) -> Mosaic:
    """Return the slices of a mosaic whose decoded picture (Y, X) is `array`; raises Refused.

    `dataset` holds Rows, Columns and the place of the picture; the private header is read here.
    """
    csa = _private_header(source, budgets)
    wrapper = _wrapped(array, dataset, csa)
    with decoding("dicom-mosaic", "DICOM"):
        slices = np.moveaxis(wrapper.get_unscaled_data(), 2, 0)
        blank = array.size - slices.size
        used = np.count_nonzero(array) - np.count_nonzero(slices)
    if used and blank:
        raise refused("its private header counts fewer slices than it shows")
    return _placed(slices, wrapper, dataset)


def _private_header(source: Source, budgets: Budgets) -> dict[str, Any]:
    """Return the CSA image header as nibabel reads it; its length is within the budget."""
    from nibabel.nicom import csareader  # a second of import that no other file needs

    tags = tuple(tag for tag in source.elements if tag >> 16 == _CSA_GROUP)
    private = load_values(source, tags, budgets)
    with decoding("dicom-mosaic", "DICOM"):
        found = csareader.get_csa_header(private)
    if not found or not csareader.get_n_mosaic(found):
        raise refused("the scanner's private header, which counts its slices, is missing")
    if csareader.get_slice_normal(found) is None:
        raise refused("the scanner's private header does not say to which side its slices lead")
    return dict(found)


def _wrapped(array: NDArray[Any], dataset: Dataset, csa: dict[str, Any]) -> Any:
    from nibabel.nicom.dicomwrappers import MosaicWrapper

    class Tiles(MosaicWrapper):
        """A mosaic whose picture our own reader has decoded."""

        def get_pixel_array(self) -> NDArray[Any]:
            return array

    with decoding("dicom-mosaic", "DICOM"):
        wrapper = Tiles(dataset, csa)
        side = int(wrapper.mosaic_size)
    rows, columns = array.shape
    if not (0 < side <= min(rows, columns) and rows % side == columns % side == 0):
        raise refused(f"{columns:,} × {rows:,} pixels do not hold as many equal slices")
    return wrapper


def _placed(slices: NDArray[Any], wrapper: Any, dataset: Dataset) -> Mosaic:
    """Return the slices where they lie, the axes right-handed; without a place if none is told."""
    gap = abs(number(dataset, "SpacingBetweenSlices") or 0.0)
    pixel = pixel_spacing(dataset)
    if pixel is None or read_plane(dataset) is None or not MIN_MM <= gap <= MAX_MM:
        return Mosaic(np.ascontiguousarray(slices), None, None, (NO_PLACE,))
    with decoding("dicom-mosaic", "DICOM"):
        # nibabel counts row, column, slice; the house x, y, z
        matrix = np.asarray(wrapper.affine, np.float64)[:, [1, 0, 2, 3]]
        matrix[:3, 2] *= gap / np.linalg.norm(matrix[:3, 2])
    if np.linalg.det(matrix[:3, :3]) < 0:
        slices = slices[::-1]
        matrix[:3, 3] += (len(slices) - 1) * matrix[:3, 2]
        matrix[:3, 2] *= -1
    affine = tuple(tuple(round(float(part), 6) for part in row) for row in matrix)
    return Mosaic(np.ascontiguousarray(slices), (round(gap, 6), *pixel), affine)


def refused(why: str) -> Refused:
    """Return the refusal of a mosaic that cannot be unfolded, `why` in words."""
    return Refused(
        "dicom-mosaic",
        f"This file is a mosaic, many slices side by side in one picture, and {why}. {_REMEDY}",
    )
