"""The report's PDF as a DICOM object (PS3.3 A.45.1), beside its image in the archive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import highdicom as hd
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from imaging.dicom_out.request import MAKER, MODEL, Request

SERIES_NUMBER = 9_003
OF_PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID",
              "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber",
              "SpecificCharacterSet")  # fmt: skip


def encapsulated_pdf(request: Request, sources: Sequence[Dataset], pdf: bytes) -> Dataset:
    """Return the PDF as an object of the study of `sources`, which it names as its sources."""
    made = Dataset()
    for keyword in OF_PATIENT:
        setattr(made, keyword, sources[0].get(keyword))
    made.SpecificCharacterSet = sources[0].get("SpecificCharacterSet") or "ISO_IR 192"
    at = datetime.now(UTC)
    made.SOPClassUID, made.SOPInstanceUID = EncapsulatedPDFStorage, request.uid("pdf")
    made.SeriesInstanceUID, made.SeriesNumber = request.uid("pdf series"), SERIES_NUMBER
    made.Modality, made.ConversionType, made.InstanceNumber = "DOC", "WSD", 1
    made.Manufacturer, made.ManufacturerModelName = MAKER, MODEL
    made.SoftwareVersions, made.SeriesDescription = request.version, f"{request.title}: report"[:64]
    made.ContentDate, made.ContentTime = at.strftime("%Y%m%d"), at.strftime("%H%M%S")
    made.AcquisitionDateTime, made.BurnedInAnnotation = None, "YES"
    made.DocumentTitle, made.ConceptNameCodeSequence = f"{request.title}: report"[:64], Items()
    made.SourceInstanceSequence = Items(_reference(one) for one in sources)
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    made.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    made.EncapsulatedDocumentLength = len(pdf)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    return made


def _reference(source: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = source.SOPClassUID
    item.ReferencedSOPInstanceUID = hd.UID(source.SOPInstanceUID)
    return item
