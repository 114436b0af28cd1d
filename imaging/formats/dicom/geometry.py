"""Millimetres and patient axes of a DICOM image: MEASURES.md §5, PS3.3 C.7.6.2 and 10.7.1.3."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from imaging.formats.dicom.kinds import XRAY
from imaging.formats.dicom.values import number, numbers, text

KEYWORDS = (
    "PixelSpacing",
    "ImagerPixelSpacing",
    "PixelSpacingCalibrationType",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "SpacingBetweenSlices",
    "SliceThickness",
)
MIN_MM, MAX_MM = 1e-4, 1e3  # anything else is not the distance of two pixels
ORTHOGONAL = 1e-3  # tolerance of the direction cosines
NO_SPACING = "No pixel spacing in the file: measures are in pixels."
NO_POSITION = "No position in the file: left and right are not known."
OF_ONE_SLICE = (NO_SPACING, NO_POSITION)  # remarks that say nothing of a volume

Affine = tuple[tuple[float, ...], ...]
Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Geometry:
    spacing_mm: tuple[float, float, float] | None = None
    spacing_kind: str = "none"
    affine: Affine | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plane:
    """A slice in the patient: its first pixel in LPS mm, and the directions of row and column."""

    position: Vector
    along_row: Vector
    down_column: Vector

    @property
    def normal(self) -> Vector:
        return _cross(self.along_row, self.down_column)

    @property
    def height(self) -> float:
        """The distance from the origin along the normal, in mm."""
        return dot(self.position, self.normal)

    def affine(self, spacing: tuple[float, float, float], step: Vector | None = None) -> Affine:
        """Return voxel (x, y, z) -> LPS mm; `step` leads to the next slice, else the normal."""
        z, y, x = spacing
        a, b = self.along_row, self.down_column
        to_next = step or _vector(tuple(part * z for part in self.normal))
        rows = [(a[i] * x, b[i] * y, to_next[i], self.position[i]) for i in range(3)]
        return (*rows, (0.0, 0.0, 0.0, 1.0))


def read_geometry(dataset: Dataset, modality: str) -> Geometry:
    """Return the spacing (z, y, x) and, for slices, the affine voxel (x, y, z) -> LPS mm.

    The z of a single slice is what the file says of its neighbours (SpacingBetweenSlices, then
    SliceThickness, else 1): it makes the affine regular and measures nothing.
    """
    if modality in ("CT", "MR"):
        return _of_slice(dataset)
    if modality in XRAY:
        return _of_radiograph(dataset)
    return Geometry()  # a secondary capture: its pixels are those of a screen


def _of_slice(dataset: Dataset) -> Geometry:
    pixel = pixel_spacing(dataset)
    if pixel is None:
        return Geometry(warnings=(NO_SPACING,))
    spacing = (declared_distance(dataset) or 1.0, *pixel)
    plane = read_plane(dataset)
    affine = None if plane is None else plane.affine(spacing)
    warnings = () if affine else (NO_POSITION,)
    return Geometry(spacing, "calibrated", affine, warnings)


def _of_radiograph(dataset: Dataset) -> Geometry:
    """A radiograph is a projection: only a calibrated spacing is one of the patient."""
    pixel, imager = pixel_spacing(dataset), _pair(dataset, "ImagerPixelSpacing")
    calibration = text(dataset, "PixelSpacingCalibrationType").upper()
    if pixel and calibration in ("FIDUCIAL", "GEOMETRY"):
        return Geometry((1.0, *pixel), "calibrated")
    found = imager or pixel
    if found is None:
        return Geometry(warnings=(NO_SPACING,))
    return Geometry((1.0, *found), "detector")


def pixel_spacing(dataset: Dataset) -> tuple[float, float] | None:
    """Return (row, column) spacing in mm, or None if absent or impossible."""
    return _pair(dataset, "PixelSpacing")


def declared_distance(dataset: Dataset) -> float | None:
    """Return what the file says of the distance to the next slice, in mm."""
    for keyword in ("SpacingBetweenSlices", "SliceThickness"):
        found = abs(number(dataset, keyword) or 0.0)  # some MR count downwards
        if MIN_MM <= found <= MAX_MM:
            return found
    return None


def read_plane(dataset: Dataset) -> Plane | None:
    """Return where a slice lies; None if the file does not say, or says what cannot be."""
    position = numbers(dataset, "ImagePositionPatient", 3)
    cosines = numbers(dataset, "ImageOrientationPatient", 6)
    if position is None or cosines is None:
        return None
    along_row, down_column = _vector(cosines[:3]), _vector(cosines[3:])
    lengths = [dot(along_row, along_row), dot(down_column, down_column)]
    if any(abs(length - 1) > ORTHOGONAL for length in lengths):
        return None
    if abs(dot(along_row, down_column)) > ORTHOGONAL:
        return None
    return Plane(_vector(position), along_row, down_column)


def dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _pair(dataset: Dataset, keyword: str) -> tuple[float, float] | None:
    """Return (row, column) spacing in mm, or None if absent or impossible."""
    pair = numbers(dataset, keyword, 2)
    if pair is None or not all(MIN_MM <= part <= MAX_MM for part in pair):
        return None
    return pair[0], pair[1]


def _vector(parts: tuple[float, ...]) -> Vector:
    return parts[0], parts[1], parts[2]


def _cross(a: Vector, b: Vector) -> Vector:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
