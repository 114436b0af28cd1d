"""An enhanced object of one frame: what its functional groups say, as if it stood on top."""

from __future__ import annotations

from pydicom.dataset import Dataset

from imaging.formats.decoding import decoding
from imaging.formats.dicom.values import first_item

KEYWORDS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_MACROS = {
    "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness", "SpacingBetweenSlices"),
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept", "RescaleType"),
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth", "VOILUTFunction"),
}


def lift_functional_groups(dataset: Dataset) -> None:
    """Add the shared and the first frame's values to `dataset`; PS3.3 C.7.6.16."""
    for groups in KEYWORDS:
        item = first_item(dataset, groups)
        for macro, keywords in _MACROS.items():
            found = first_item(item, macro) if item is not None else None
            for keyword in keywords:
                if found is not None and keyword in found and keyword not in dataset:
                    with decoding("dicom-header", "DICOM"):
                        dataset.add(found[keyword])
