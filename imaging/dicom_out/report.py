"""The numbers as a DICOM Structured Report, TID 1500 (PS3.16), Comprehensive 3D."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from imaging.dicom_out.request import MAKER, MODEL, NOTICE, Request, device_uid
from imaging.dicom_out.segmentation import equipment, tracking_uid

SERIES_NUMBER = 9_002
PROJECTED = ("CR", "DX", "IO", "MG", "PX", "RF", "RG", "XA")
OURS = "99MEDISCAN"
Code = hd.sr.CodedConcept
UCUM = {  # as our measures name them: UCUM's code and meaning
    "mm": ("mm", "millimeter"), "mm2": ("mm2", "square millimeter"), "mL": ("mL", "milliliter"),
    "%": ("%", "percent"), "1": ("1", "no units"), "px": ("{pixels}", "pixels"),
    "voxels": ("{voxels}", "voxels"), "HU": ("[hnsf'U]", "Hounsfield unit"),
}  # fmt: skip
PROCEDURE = Code("363679005", "SCT", "Imaging procedure")
REGION = Code("REGION", OURS, "Region above the threshold")
MEAN, AREA, VOLUME = codes.SCT.Mean, codes.SCT.Area, codes.SCT.Volume
LONG_AXIS = codes.SCT.LongAxis if hasattr(codes.SCT, "LongAxis") else Code(
    "103339001", "SCT", "Long axis"
)  # fmt: skip
CIRCULARITY = Code("CIRCULARITY", OURS, "Circularity, 1 is round")
PIXELS = Code("PIXELS", OURS, "Pixels or voxels")


def structured_report(
    request: Request,
    sources: Sequence[Dataset],
    seg: hd.seg.Segmentation | None,
) -> hd.sr.Comprehensive3DSR:
    """Return the SR: a group for each lesion that points to its segment, and one for the whole."""
    groups: list[Any] = [*(_lesion(request, sources, seg, n) for n in range(_regions(seg)))]
    groups += [_box(request, sources, box, n) for n, box in enumerate(request.boxes)]
    groups.append(_whole(request, sources))
    content = hd.sr.MeasurementReport(
        observation_context=_observers(request),
        procedure_reported=PROCEDURE,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
        referenced_images=list(sources) if _have_library_facts(sources) else None,
    )
    signer = request.signer
    made = hd.sr.Comprehensive3DSR(
        evidence=[*sources, *([seg] if seg is not None else [])],
        content=content[0],
        series_instance_uid=request.uid("sr series"), series_number=SERIES_NUMBER,
        sop_instance_uid=request.uid("sr"), instance_number=1, manufacturer=MAKER,
        is_complete=True, is_final=signer is not None, is_verified=signer is not None,
        verifying_observer_name=signer["name"] if signer else None,
        verifying_organization=signer["organisation"] if signer else None,
        contributing_equipment=equipment(request),
    )  # fmt: skip
    made.ManufacturerModelName, made.SoftwareVersions = MODEL, request.version
    made.SeriesDescription = f"{request.title}: measures. {NOTICE}"[:64]
    return made


def _have_library_facts(sources: Sequence[Dataset]) -> bool:
    """Whether TID 1600 can be filled: it asks for the spacing at the imager, or a thickness."""
    return all(
        one.get("ImagerPixelSpacing" if one.get("Modality") in PROJECTED else "SliceThickness")
        is not None
        for one in sources
    )


def _observers(request: Request) -> hd.sr.ObservationContext:
    device = hd.sr.ObserverContext(
        codes.DCM.Device,
        hd.sr.DeviceObserverIdentifyingAttributes(
            device_uid(MAKER, request.version), name=MAKER, manufacturer_name=MAKER,
            model_name=request.title[:64],
        ),
    )  # fmt: skip
    if request.signer is None:
        return hd.sr.ObservationContext(observer_device_context=device)
    person = hd.sr.ObserverContext(
        codes.DCM.Person, hd.sr.PersonObserverIdentifyingAttributes(request.signer["name"])
    )
    return hd.sr.ObservationContext(observer_person_context=person, observer_device_context=device)


def _regions(seg: hd.seg.Segmentation | None) -> int:
    return 0 if seg is None else int(seg.number_of_segments)


def _lesion(
    request: Request, sources: Sequence[Dataset], seg: hd.seg.Segmentation, number: int
) -> Any:
    facts = request.lesions[number] if request.lesions else None
    about = {
        "tracking_identifier": hd.sr.TrackingIdentifier(
            tracking_uid(request, number), facts["label"] if facts else "Mask"
        ),
        "finding_type": REGION,
        "measurements": _measured(facts, request.unit) if facts else None,
    }
    if len(sources) > 1:
        segment = hd.sr.ReferencedSegment(
            seg.SOPClassUID, seg.SOPInstanceUID, number + 1,
            source_images=[_for_segment(one) for one in sources],
        )  # fmt: skip
        return hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            referenced_segment=segment, **about
        )
    frame = hd.sr.ReferencedSegmentationFrame(
        seg.SOPClassUID, seg.SOPInstanceUID, number + 1, number + 1, _for_segment(sources[0])
    )
    # a segment or a frame, never both: PS3.3 table 10-3; the segment has one frame
    del frame[0].ReferencedSOPSequence[0].ReferencedFrameNumber
    return hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(referenced_segment=frame, **about)


def _measured(facts: Any, unit: str) -> list[hd.sr.Measurement]:
    length = "mm" if facts["unit"] == "mm" else "px"
    told = [
        (AREA, facts["area_mm2"], "mm2"), (VOLUME, facts["volume_ml"], "mL"),
        (PIXELS, facts["px"], "1"), (LONG_AXIS, facts["maximum_diameter"], length),
        (MEAN, facts["mean"], unit), (CIRCULARITY, facts["circularity"], "1"),
    ]  # fmt: skip
    return [_measurement(name, value, unit) for name, value, unit in told if value is not None]


def _whole(request: Request, sources: Sequence[Dataset]) -> Any:
    measures = [
        _measurement(Code(code, OURS, meaning), value, unit)
        for code, meaning, value, unit in request.measures
    ]
    measures += [
        _measurement(Code(f"CLASS_{n + 1}", OURS, f"Probability of {name}"[:64]), value, "1")
        for n, (name, value) in enumerate(request.classes)
    ]
    words = [
        hd.sr.QualitativeEvaluation(
            Code(code, OURS, meaning), Code(_slug(answer), OURS, answer[:64])
        )
        for code, meaning, answer in request.said
    ]
    return hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(request.uid("image"), "Image"),
        finding_type=Code("IMAGE", OURS, "Whole image"),
        measurements=measures or None,
        qualitative_evaluations=words or None,
        source_images=[
            hd.sr.SourceImageForMeasurementGroup(one.SOPClassUID, one.SOPInstanceUID)
            for one in sources
        ],
    )


def _box(request: Request, sources: Sequence[Dataset], box: Sequence[Any], number: int) -> Any:
    label, score, x0, y0, x1, y1, plane = box
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]], dtype=float)
    source = sources[min(int(plane), len(sources) - 1)]
    region = hd.sr.ImageRegion(
        hd.sr.GraphicTypeValues.POLYLINE, corners,
        hd.sr.SourceImageForRegion(source.SOPClassUID, source.SOPInstanceUID),
    )  # fmt: skip
    return hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(request.uid(f"box {number}"), label[:64]),
        referenced_region=region,
        finding_type=Code(_slug(label), OURS, label[:64]),
        measurements=[_measurement(Code("SCORE", OURS, "Score"), score, "1")],
    )


def _measurement(name: Any, value: float, unit: str) -> hd.sr.Measurement:
    code, meaning = UCUM.get(unit, ("1", "no units"))
    return hd.sr.Measurement(name, float(value), Code(code, "UCUM", meaning))


def _for_segment(source: Dataset) -> hd.sr.SourceImageForSegmentation:
    return hd.sr.SourceImageForSegmentation(source.SOPClassUID, source.SOPInstanceUID)


def _slug(text: str) -> str:
    """A code value of ours for a word: at most 16 characters (PS3.5, SH)."""
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in text.upper())[:16] or "_"
