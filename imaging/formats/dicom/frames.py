"""An enhanced object: what its functional groups say of one frame, as if it stood on top."""

from __future__ import annotations

from copy import copy

from pydicom.dataset import Dataset

from imaging.formats.decoding import decoding
from imaging.formats.dicom.values import first_item, items

SHARED, PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
KEYWORDS = (SHARED, PER_FRAME)
_MACROS = {
    "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness", "SpacingBetweenSlices"),
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept", "RescaleType"),
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth", "VOILUTFunction"),
    "FrameContentSequence": ("StackID", "TemporalPositionIndex", "FrameAcquisitionNumber"),
    "MREchoSequence": ("EffectiveEchoTime",),
    "MRDiffusionSequence": ("DiffusionBValue",),
    "CTImageFrameTypeSequence": ("FrameType",),
    "MRImageFrameTypeSequence": ("FrameType",),
}
FOUND = tuple(dict.fromkeys(keyword for keywords in _MACROS.values() for keyword in keywords))


def frame_header(dataset: Dataset, index: int) -> Dataset:
    """Return `dataset` with the shared values and those of frame `index`; PS3.3 C.7.6.16.

    They win over what stands on top, which in an enhanced object speaks of no single frame.
    """
    groups = [first_item(dataset, SHARED)]
    frames = items(dataset, PER_FRAME)
    groups.append(frames[index] if index < len(frames) else None)
    header = copy(dataset)
    for item in groups:
        for macro, keywords in _MACROS.items():
            found = first_item(item, macro) if item is not None else None
            for keyword in keywords:
                if found is not None and keyword in found:
                    with decoding("dicom-header", "DICOM"):
                        header.add(found[keyword])
    return header
