"""What a DICOM file says of the patient and the study, in the file's own character set."""

from __future__ import annotations

from pydicom.charset import python_encoding
from pydicom.dataset import Dataset

from imaging.formats.dicom.values import text, uid
from imaging.types import BURNED_IN, LOCALIZER, Header

_TEXTS = {
    "patient_id": "PatientID",
    "patient_name": "PatientName",
    "birth_date": "PatientBirthDate",
    "sex": "PatientSex",
    "accession_number": "AccessionNumber",
    "study_date": "StudyDate",
    "study_time": "StudyTime",
    "study_description": "StudyDescription",
    "series_description": "SeriesDescription",
    "body_part": "BodyPartExamined",
    "view_position": "ViewPosition",
    "manufacturer": "Manufacturer",
    "photometric": "PhotometricInterpretation",
}
_UIDS = {
    "study_instance_uid": "StudyInstanceUID",
    "series_instance_uid": "SeriesInstanceUID",
    "sop_instance_uid": "SOPInstanceUID",
    "sop_class_uid": "SOPClassUID",
}
KEYWORDS = (
    "SpecificCharacterSet",
    "ImageLaterality",
    "Laterality",
    "PatientOrientation",
    "BurnedInAnnotation",
    "ImageType",
    "PresentationIntentType",
    *_TEXTS.values(),
    *_UIDS.values(),
)


def read_header(dataset: Dataset, syntax: str) -> Header:
    values = {name: text(dataset, keyword) for name, keyword in _TEXTS.items()}
    uids = {name: uid(dataset, keyword) for name, keyword in _UIDS.items()}
    orientation = text(dataset, "PatientOrientation")
    return Header(
        **values,
        **uids,
        laterality=text(dataset, "ImageLaterality") or text(dataset, "Laterality"),
        patient_orientation=tuple(orientation.split("\\")) if orientation else (),
        transfer_syntax=syntax,
    )


def header_warnings(dataset: Dataset, header: Header) -> list[str]:
    """Return what a person should know of this header, one sentence each."""
    warnings = _character_warnings(dataset, header)
    if any(text(dataset, keyword) and not uid(dataset, keyword) for keyword in _UIDS.values()):
        warnings.append("A UID in the header is malformed and was left out.")
    if text(dataset, "BurnedInAnnotation").upper() == "YES":
        warnings.append(BURNED_IN)
    if "LOCALIZER" in text(dataset, "ImageType").upper().split("\\"):
        warnings.append(LOCALIZER)
    if text(dataset, "PresentationIntentType").upper() == "FOR PROCESSING":
        warnings.append("This is a raw image “for processing”, not one for presentation.")
    return warnings


def _character_warnings(dataset: Dataset, header: Header) -> list[str]:
    terms = [term for term in text(dataset, "SpecificCharacterSet").split("\\") if term]
    if any(term not in python_encoding for term in terms):
        return ["The file names a character set that is not known; names may be wrong."]
    shown = f"{header.patient_name}{header.study_description}{header.series_description}"
    if "�" in shown:
        return ["Some letters in the header do not fit its character set; names may be wrong."]
    if not terms and not shown.isascii():
        return ["The file names no character set for its special letters; names may be wrong."]
    return []
