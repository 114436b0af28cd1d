"""The nouns that the pure rooms share. Axes run (Z, Y, X) everywhere: slice, row, column."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


BURNED_IN = "The file says that text is burned into the picture."
LOCALIZER = "This is a localizer (scout) image."  # a warning that the input gate knows


class Refused(Exception):
    """A file that cannot become an image, in one sentence that names the remedy.

    code      stable and short, for instance "dicom-no-pixels"; goes to logs.
    sentence  for the person who sent the file; never holds the file's content.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class InferenceError(Exception):
    """An expected failure of an analysis; `str(error)` may be shown to the user."""


@dataclass(frozen=True, slots=True)
class Volume:
    """An image on a regular grid.

    array          shape (Z, Y, X), stored values, MONOCHROME1 already turned;
                   uint8, uint16, int16, int32 or float32.
    slope,         real value = array * slope + intercept (HU for CT).
    intercept
    modality       DICOM Modality (0008,0060): CR, DX, CT, MR; "" when unknown.
    spacing_mm     distance between pixel centres (z, y, x) in millimetres, z along the normal of
                   the slices where they are slanted; None: pixels only.
    spacing_kind   "calibrated", "detector" (at detector plane) or "none".
    unit           "HU" or "stored value".
    bits           significant bits per pixel of the source.
    raster         True for PNG, JPEG and TIFF.
    affine         4x4 voxel (x, y, z) -> patient LPS millimetres, or None: side unknown.
    padding        stored value that means "no data here", or None.
    window         (center, width) in real values for the first view, or None.
    missing        indices of slices that were not sent; they hold `padding` alone.
    body_part      Body Part Examined (0018,0015), "" when unknown.
    localizer      True for a scout image, taken to plan the series.
    uneven         the slices lie at distances that differ: a volume has no millilitres.
    """

    array: np.ndarray
    modality: str = ""
    slope: float = 1.0
    intercept: float = 0.0
    spacing_mm: tuple[float, float, float] | None = None
    spacing_kind: str = "none"
    unit: str = "stored value"
    bits: int = 8
    raster: bool = False
    affine: tuple[tuple[float, ...], ...] | None = None
    padding: float | None = None
    window: tuple[float, float] | None = None
    missing: tuple[int, ...] = ()
    body_part: str = ""
    localizer: bool = False
    uneven: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """What the file says of the patient and the study; every value may be blank."""

    patient_id: str = ""
    patient_name: str = ""
    birth_date: str = ""
    sex: str = ""
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    sop_instance_uid: str = ""
    sop_class_uid: str = ""
    accession_number: str = ""
    study_date: str = ""
    study_time: str = ""
    study_description: str = ""
    series_description: str = ""
    body_part: str = ""
    laterality: str = ""
    view_position: str = ""
    patient_orientation: tuple[str, ...] = ()
    manufacturer: str = ""
    photometric: str = ""
    transfer_syntax: str = ""


@dataclass(frozen=True, slots=True)
class Decoded:
    """One readable file: its pixels, its header and what a person should be told of it."""

    format: str
    volume: Volume
    header: Header = field(default_factory=Header)
    warnings: tuple[str, ...] = ()
