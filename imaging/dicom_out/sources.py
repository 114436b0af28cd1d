"""The images that a result is about: their headers as they were sent, or a capture of ours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import highdicom as hd
import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset

from imaging.dicom_out.request import MAKER, Request
from imaging.formats.dicom.kinds import CLASS_OF
from imaging.types import Refused

TYPE_2 = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
          "StudyID", "AccessionNumber", "ReferringPhysicianName")  # fmt: skip
UNKNOWN_SIDES = ("L", "F")  # highdicom wants an answer; it is blanked afterwards


def source_headers(paths: Sequence[Path], request: Request) -> list[Dataset]:
    """Return the headers of the files of an image, in the order of its slices, without pixels.

    Raises: Refused for several frames in one file, whose order in our volume is not kept.
    """
    headers = [dcmread(path, stop_before_pixels=True) for path in paths]
    frames = [int(one.get("NumberOfFrames") or 1) for one in headers]
    if max(frames) > 1:
        raise Refused("dicom-frames", "Its DICOM file holds several frames: no SEG is made of it.")
    if len(headers) != request.shape[0]:
        raise Refused("dicom-slices", "Slices of it are missing: no SEG is made of it.")
    for one, instance in zip(headers, request.uids["instances"], strict=True):
        _completed(one, request, instance)
    return headers


def _completed(header: Dataset, request: Request, instance: str) -> None:
    """Fill what a header lacks: numbers as this house gave them, type 2 attributes with nothing."""
    for keyword in TYPE_2:
        if keyword not in header:
            setattr(header, keyword, None)
    if not header.get("SpecificCharacterSet", "x"):
        del header.SpecificCharacterSet
    header.SOPInstanceUID = header.get("SOPInstanceUID") or instance
    header.StudyInstanceUID = header.get("StudyInstanceUID") or request.uids["study"]
    header.SeriesInstanceUID = header.get("SeriesInstanceUID") or request.uids["series"]
    if "ImagePositionPatient" in header and not header.get("FrameOfReferenceUID"):
        header.FrameOfReferenceUID = request.uid("frame of reference")
        header.PositionReferenceIndicator = None
    if "ImagePositionPatient" in header and "SliceThickness" not in header:
        header.SliceThickness = None
    header.SOPClassUID = header.get("SOPClassUID") or CLASS_OF.get(header.get("Modality", ""), "")
    if not header.SOPClassUID:
        raise Refused("dicom-class", "Its DICOM header does not say what it is: no SEG is made.")


def capture(request: Request, grey: np.ndarray) -> Dataset:
    """Return a Secondary Capture of a picture that was no DICOM: uint8 (Y, X), as it is viewed."""
    about = request.capture or {}
    made = hd.sc.SCImage(
        pixel_array=grey, photometric_interpretation="MONOCHROME2", bits_allocated=8,
        coordinate_system="PATIENT", patient_orientation=UNKNOWN_SIDES,
        study_instance_uid=request.uids["study"], series_instance_uid=request.uids["series"],
        series_number=1, sop_instance_uid=request.uids["instances"][0], instance_number=1,
        manufacturer=MAKER,
        patient_id=about["record_number"] or None, patient_name=about["name"] or None,
        patient_birth_date=_date(about["birth_date"]), patient_sex=_sex(about["sex"]),
        accession_number=about["accession"][:16] or None,
    )  # fmt: skip
    made.PatientOrientation = made.Laterality = None  # type 2C: there, and not known
    made.SeriesDescription = "Picture as it was sent"
    return made


def _date(text: str) -> str | None:
    digits = text.replace("-", "")
    return digits if len(digits) == 8 and digits.isdecimal() else None


def _sex(text: str) -> str | None:
    return text if text in ("M", "F", "O") else None
