"""The mask as a DICOM Segmentation: a segment for each lesion (PS3.3 A.51)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from imaging.dicom_out.request import MAKER, MODEL, NOTICE, Request, device_uid
from imaging.measures.components import split
from imaging.measures.stops import in_order

SERIES_NUMBER, MAP_SERIES_NUMBER = 9_001, 9_004
MOST_OF_A_MAP = 64 << 20  # voxels; it is held as float32 while it is written
FULL = 255  # of a map: certain
PROCESSING = hd.sr.CodedConcept("109102", "DCM", "Processing Equipment")


def lesion_masks(levels: NDArray[np.uint8], request: Request) -> list[NDArray[np.bool_]]:
    """Return a mask (Z, Y, X) for each lesion, in their order; the whole mask where none is listed.

    Raises ValueError when the map holds other lesions than those listed.
    """
    level = request.level or 1
    sizes = [int(one["px"]) for one in request.lesions]
    if not sizes:
        whole = levels >= level
        return [whole] if whole.any() else []
    parts = in_order(split(levels, level, min(sizes)).parts)
    if [part.px for part in parts] != sizes:
        raise ValueError("The regions of the stored map are not those that are listed.")
    masks = []
    for part in parts:
        mask = np.zeros(levels.shape, dtype=bool)
        mask[part.box] = part.mask
        masks.append(mask)
    return masks


def segmentation(
    request: Request, sources: Sequence[Dataset], masks: Sequence[NDArray[np.bool_]]
) -> hd.seg.Segmentation:
    """Return the SEG of `masks`, one segment each, on the grid of `sources` (one per slice)."""
    stacked = np.stack(masks, axis=-1).astype(np.uint8)
    made = hd.seg.Segmentation(
        source_images=list(sources), pixel_array=stacked,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_description(request, n) for n in range(len(masks))],
        series_instance_uid=request.uid("seg series"), series_number=SERIES_NUMBER,
        sop_instance_uid=request.uid("seg"), **_common(request),
    )  # fmt: skip
    return _finished(made, sources, f"{request.title}: regions")


def probability_map(
    request: Request, sources: Sequence[Dataset], levels: NDArray[np.uint8]
) -> hd.seg.Segmentation:
    """Return the SEG of a map (Z, Y, X), FRACTIONAL and PROBABILITY: 255 is 1, as it is stored."""
    made = hd.seg.Segmentation(
        source_images=list(sources),
        pixel_array=(levels / np.float32(FULL))[..., None],
        segmentation_type=hd.seg.SegmentationTypeValues.FRACTIONAL,
        fractional_type=hd.seg.SegmentationFractionalTypeValues.PROBABILITY,
        max_fractional_value=FULL,
        segment_descriptions=[_segment(request, 1, "Probability", request.uid("probability"))],
        series_instance_uid=request.uid("map series"), series_number=MAP_SERIES_NUMBER,
        sop_instance_uid=request.uid("map"), **_common(request),
    )  # fmt: skip
    return _finished(made, sources, f"{request.title}: probability")


def _common(request: Request) -> dict[str, Any]:
    return {
        "instance_number": 1, "manufacturer": MAKER, "manufacturer_model_name": MODEL,
        "software_versions": request.version, "device_serial_number": "1",
        "content_label": "MEDISCAN", "content_description": NOTICE[:64],
        "contributing_equipment": equipment(request),
    }  # fmt: skip


def _finished(
    made: hd.seg.Segmentation, sources: Sequence[Dataset], description: str
) -> hd.seg.Segmentation:
    """Say what highdicom leaves to be said.

    PS3.3 C.7.6.1: Patient Orientation is there, blank if need be, where no Image Orientation is.
    """
    _with_a_thickness(made)
    if "ImageOrientationPatient" not in sources[0]:
        made.PatientOrientation = sources[0].get("PatientOrientation")
    made.SeriesDescription = description[:64]
    return made


def equipment(request: Request) -> list[hd.ContributingEquipment]:
    """Return each model as equipment of its own, named by a device UID per version (IHE AIR)."""
    listed = []
    for member in request.members:
        one = hd.ContributingEquipment(
            MAKER, PROCESSING,
            manufacturer_model_name=member["name"][:64], software_versions=member["version"][:64],
        )  # fmt: skip
        one.DeviceUID = device_uid(member["name"], member["version"])
        listed.append(one)
    return listed


def algorithm(request: Request) -> hd.AlgorithmIdentificationSequence:
    family = codes.cid7162.ArtificialIntelligence
    return hd.AlgorithmIdentificationSequence(request.title[:64], family, request.version)


def _with_a_thickness(made: hd.seg.Segmentation) -> None:
    """Say the distance of the slices as thickness where none is known, of one picture nothing.

    Readers stumble over a spacing without a thickness beside it.
    """
    (shared,) = made.SharedFunctionalGroupsSequence
    for measures in shared.get("PixelMeasuresSequence", []):
        if "SliceThickness" not in measures:
            measures.SliceThickness = measures.get("SpacingBetweenSlices")


def _description(request: Request, number: int) -> hd.seg.SegmentDescription:
    label = request.lesions[number]["label"] if request.lesions else "Mask"
    tracked = tracking_uid(request, number)
    return _segment(request, number + 1, label, tracked, is_edited=request.is_edited)


def _segment(
    request: Request, number: int, label: str, tracked: str, *, is_edited: bool = False
) -> hd.seg.SegmentDescription:
    by = hd.seg.SegmentAlgorithmTypeValues
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Lesion,
        algorithm_type=by.SEMIAUTOMATIC if is_edited else by.AUTOMATIC,
        algorithm_identification=algorithm(request),
        tracking_uid=tracked,
        tracking_id=label,
    )


def tracking_uid(request: Request, number: int) -> str:
    """Return by what SEG and SR know a region again: the lesion's own, where it is listed."""
    if request.lesions:
        return str(request.lesions[number]["tracking_uid"])
    return request.uid("mask")
