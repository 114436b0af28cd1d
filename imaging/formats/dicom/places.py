"""Where one slice lies, and what tells it from the slices of another stack."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from imaging.formats.dicom.geometry import Plane, declared_distance, pixel_spacing, read_plane
from imaging.formats.dicom.values import integer, number, text, uid

KEYWORDS = (
    "InstanceNumber",
    "EchoNumbers",
    "EchoTime",
    "TemporalPositionIdentifier",
    "AcquisitionNumber",
    "DiffusionBValue",
    "StackID",
    "ImageType",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "FrameOfReferenceUID",
    "SeriesNumber",
)


@dataclass(frozen=True, slots=True)
class Place:
    """One slice: frame `frame` of file `file` of a series.

    plane     where it lies; None: the file does not say.
    number    its place in the order of the file, where nothing better is known.
    aspects   what may tell two slices in one place apart, the most telling first.
    """

    file: int
    frame: int
    sop_instance_uid: str
    shape: tuple[int, int]
    samples: int
    is_localizer: bool
    stack: str
    spacing: tuple[float, float] | None
    distance: float | None
    plane: Plane | None
    number: int | None
    aspects: tuple[str, ...]


def read_place(dataset: Dataset, file: int, frame: int, *, is_only: bool) -> Place:
    """Return the place of a frame by its own header; `is_only` for a file of one frame."""
    kind = text(dataset, "FrameType") or text(dataset, "ImageType")
    spacing = pixel_spacing(dataset)
    return Place(
        file=file,
        frame=frame,
        sop_instance_uid=uid(dataset, "SOPInstanceUID"),
        shape=(integer(dataset, "Rows") or 0, integer(dataset, "Columns") or 0),
        samples=integer(dataset, "SamplesPerPixel") or 1,
        is_localizer="LOCALIZER" in kind.upper().split("\\"),
        stack=text(dataset, "StackID"),
        spacing=spacing,
        distance=declared_distance(dataset),
        # without the size of a pixel no place can be reckoned with
        plane=read_plane(dataset) if spacing else None,
        number=integer(dataset, "InstanceNumber") if is_only else frame,
        aspects=(
            _either(dataset, "EchoNumbers", "EffectiveEchoTime", "EchoTime"),
            _either(dataset, "TemporalPositionIdentifier", "TemporalPositionIndex"),
            _either(dataset, "AcquisitionNumber", "FrameAcquisitionNumber"),
            kind,
            _figure(dataset, "DiffusionBValue"),
        ),
    )


def _either(dataset: Dataset, *keywords: str) -> str:
    return next((found for keyword in keywords if (found := _figure(dataset, keyword))), "")


def _figure(dataset: Dataset, keyword: str) -> str:
    found = number(dataset, keyword)
    return "" if found is None else f"{found:g}"
