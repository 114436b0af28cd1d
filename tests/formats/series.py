"""Small series of CT or MR slices made by code, for whoever needs a volume that came as DICOM."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from tests.formats.factories import dicom_dataset, dicom_file

ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SPACING = (0.8, 0.6)  # row, column


def voxels(depth: int = 6, height: int = 12, width: int = 10) -> np.ndarray:
    """Stored values (Z, Y, X) that are different in every direction, int16."""
    z, y, x = np.indices((depth, height, width))
    return (1000 * z + 20 * y + x).astype(np.int16)


def ct_series(
    array: np.ndarray | None = None,
    *,
    step: Sequence[float] = (0.0, 0.0, 2.5),
    start: Sequence[float] = (-10.0, -20.0, 30.0),
    orientation: Sequence[float] = AXIAL,
    uid: str = "1.2.3.4",
    **values: Any,
) -> list[bytes]:
    """Return one file for each slice of `array` (Z, Y, X); slice z lies at start + z * step.

    `values` replace keywords of every slice, or of one each where they are a list of that length.
    """
    array = voxels() if array is None else array
    return [
        dicom_file(
            slice_dataset(
                plane,
                number,
                place=[float(a + number * b) for a, b in zip(start, step, strict=True)],
                orientation=orientation,
                uid=uid,
                **{
                    name: value[number]
                    if isinstance(value, list) and len(value) == len(array)
                    else value
                    for name, value in values.items()
                },
            )
        )
        for number, plane in enumerate(array)
    ]


def slice_dataset(
    plane: np.ndarray,
    number: int,
    *,
    place: Sequence[float],
    orientation: Sequence[float] = AXIAL,
    uid: str = "1.2.3.4",
    **values: Any,
) -> Dataset:
    own = {
        "SeriesInstanceUID": uid,
        "SOPInstanceUID": f"{uid}.{number + 1}",
        "InstanceNumber": number + 1,
        "PixelSpacing": list(SPACING),
        "ImagePositionPatient": list(place),
        "ImageOrientationPatient": list(orientation),
        "SeriesDescription": "Thorax",
    }
    return dicom_dataset(np.ascontiguousarray(plane), **(own | values))


def enhanced_ct(
    array: np.ndarray | None = None,
    *,
    places: Sequence[Sequence[float]] | None = None,
    stacks: Sequence[str] | None = None,
    **values: Any,
) -> bytes:
    """Return an Enhanced CT object whose frames lie at `places`, in the order of `array`."""
    array = voxels() if array is None else array
    places = [(0.0, 0.0, 2.0 * z) for z in range(len(array))] if places is None else places
    own: dict[str, Any] = {
        "SOPClassUID": ENHANCED_CT,
        "NumberOfFrames": len(array),
        "PixelData": array.tobytes(),
        "PixelSpacing": None,
        "ImagePositionPatient": None,
        "ImageOrientationPatient": None,
        "RescaleSlope": None,
        "RescaleIntercept": None,
    }
    dataset = dicom_dataset(np.ascontiguousarray(array[0]), **(own | values))
    dataset.SharedFunctionalGroupsSequence = Items([
        _groups(
            PixelMeasuresSequence={"PixelSpacing": list(SPACING), "SliceThickness": 2},
            PlaneOrientationSequence={"ImageOrientationPatient": list(AXIAL)},
            PixelValueTransformationSequence={
                "RescaleSlope": 1, "RescaleIntercept": -1024, "RescaleType": "HU"
            },
        )
    ])  # fmt: skip
    dataset.PerFrameFunctionalGroupsSequence = Items(
        _groups(
            PlanePositionSequence={"ImagePositionPatient": list(place)},
            FrameContentSequence={"StackID": stacks[frame] if stacks else "1"},
        )
        for frame, place in enumerate(places)
    )
    return dicom_file(dataset)


def written(folder: Path, files: Sequence[bytes]) -> list[Path]:
    """Write the files under names that say nothing of their order; return their paths."""
    paths = [folder / f"{number}.dcm" for number in range(len(files))]
    for path, data in zip(paths, files, strict=True):
        path.write_bytes(data)
    return paths


def _groups(**macros: dict[str, Any]) -> Dataset:
    item = Dataset()
    for name, values in macros.items():
        inner = Dataset()
        for keyword, value in values.items():
            setattr(inner, keyword, value)
        setattr(item, name, Items([inner]))
    return item
