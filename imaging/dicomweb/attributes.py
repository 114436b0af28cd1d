"""PURE: the attributes of QIDO's answers, and which of them name a person (PS3.18 10.6.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]
PERSON = {  # keyword: tag, of whoever the picture is
    "PatientName": "00100010", "PatientID": "00100020", "PatientBirthDate": "00100030",
    "PatientSex": "00100040",
}  # fmt: skip
STUDY = {
    "StudyDate": "00080020", "StudyTime": "00080030", "AccessionNumber": "00080050",
    "ReferringPhysicianName": "00080090", "StudyDescription": "00081030",
    **PERSON, "StudyInstanceUID": "0020000D", "StudyID": "00200010",
}  # fmt: skip
SERIES = {
    "Modality": "00080060", "SeriesDescription": "0008103E", "SeriesInstanceUID": "0020000E",
    "SeriesNumber": "00200011", "PerformedProcedureStepStartDate": "00400244",
    "PerformedProcedureStepStartTime": "00400245", "RequestAttributesSequence": "00400275",
    "BodyPartExamined": "00180015", "Laterality": "00200060", "SeriesDate": "00080021",
    "SeriesTime": "00080031", "ProtocolName": "00181030",
}  # fmt: skip
INSTANCE = {
    "SOPClassUID": "00080016", "SOPInstanceUID": "00080018", "InstanceNumber": "00200013",
    "Rows": "00280010", "Columns": "00280011", "BitsAllocated": "00280100",
    "NumberOfFrames": "00280008", "ImageType": "00080008", "ContentDate": "00080023",
    "ContentTime": "00080033", "AcquisitionNumber": "00200012",
    "ImagePositionPatient": "00200032", "ImageOrientationPatient": "00200037",
    "PixelSpacing": "00280030", "WindowCenter": "00281050", "WindowWidth": "00281051",
    "PhotometricInterpretation": "00280004", "SliceThickness": "00180050",
}  # fmt: skip
COUNTED = {
    "ModalitiesInStudy": "00080061", "InstanceAvailability": "00080056",
    "NumberOfStudyRelatedSeries": "00201206", "NumberOfStudyRelatedInstances": "00201208",
    "NumberOfSeriesRelatedInstances": "00201209", "RetrieveURL": "00081190",
}  # fmt: skip
KEYWORDS = STUDY | SERIES | INSTANCE | COUNTED
NAMES_SOMEBODY = frozenset((*PERSON.values(), "00080050", "00080090", "00200010"))
_VR = {"PatientName": "PN", "PatientID": "LO", "PatientBirthDate": "DA", "PatientSex": "CS"}
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
CHARSET = "00080005"
_OF_PATIENT = re.compile(r"0010[0-9A-F]{4}|0008009[0-9A-F]|00081048|00081050|00081070|00321032")


def tag_of(name: str) -> str:
    """Return the tag of a keyword, or of a tag; "" for a name that is not known here."""
    return name.upper() if _TAG.fullmatch(name) else KEYWORDS.get(name, "")


def chosen(attributes: Json, tags: Iterable[str]) -> Json:
    """Return those of `tags` that the header has."""
    return {tag: attributes[tag] for tag in set(tags) if tag in attributes}


def in_order(row: Json) -> Json:
    """Return a row in the order of its tags."""
    return dict(sorted(row.items()))


def value(vr: str, *values: Any) -> Json:
    """Return an element of DICOM JSON; without a value it is empty."""
    kept = [one for one in values if one not in ("", None)]
    return {"vr": vr, "Value": kept} if kept else {"vr": vr}


def with_person(attributes: Json, person: Mapping[str, str] | None) -> Json:
    """Return the header as it names the person today; None: as somebody may see who may not know.

    What was corrected here counts, not what the file said; without the right to know, every
    attribute of the patient module and every name of a physician is left blank or out.
    """
    if person is None:
        kept = {tag: one for tag, one in attributes.items() if not _OF_PATIENT.fullmatch(tag)}
        blank = {tag: value(_VR[keyword]) for keyword, tag in PERSON.items()}
        hidden = {tag: value(kept[tag]["vr"]) for tag in NAMES_SOMEBODY & kept.keys()}
        return in_order(kept | blank | hidden)
    today = {
        PERSON[keyword]: value(_VR[keyword], _told(keyword, text))
        for keyword, text in person.items()
    }
    return in_order(attributes | today)


def _told(keyword: str, text: str) -> Any:
    if keyword == "PatientName":
        groups = zip(("Alphabetic", "Ideographic", "Phonetic"), text.split("="), strict=False)
        return {name: part for name, part in groups if part} or None
    return text.replace("-", "") if keyword == "PatientBirthDate" else text
