"""To which series a file belongs, or which files a DICOMDIR lists; no pixel is looked at."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from imaging.formats.budgets import Budgets
from imaging.formats.decoding import decoding
from imaging.formats.dicom.kinds import DIRECTORY, STACKED
from imaging.formats.dicom.opened import opened
from imaging.formats.dicom.source import load_values, open_source
from imaging.formats.dicom.values import items, text, uid

_INSTEAD = (
    *("FrameOfReferenceUID", "StudyInstanceUID", "PatientID", "StudyDate", "Modality"),
    *("SeriesNumber", "SeriesDescription"),
)
_RECORDS = "DirectoryRecordSequence"


@dataclass(frozen=True, slots=True)
class Identity:
    """series: its UID, or a name for it, for a slice of one; listed: what a DICOMDIR names."""

    series: str = ""
    listed: tuple[str, ...] | None = None


def identify(path: Path, budgets: Budgets | None = None) -> Identity:
    """Return what the file is a part of; Refused for what is no image and no DICOMDIR."""
    budgets = budgets or Budgets()
    listed = _listed(path, budgets)
    if listed is not None:
        return Identity(listed=listed)
    with opened(path, budgets) as picture:
        if picture.modality not in STACKED or picture.frames > 1:
            return Identity()
        return Identity(uid(picture.dataset, "SeriesInstanceUID") or _unsaid(picture.dataset))


def _unsaid(dataset: Dataset) -> str:
    """Return a name for the series of a file whose UIDs were taken out; "" if none is certain.

    Slices of one frame of reference, series number and description are one series; as a digest,
    since descriptions may name people.
    """
    if not uid(dataset, "FrameOfReferenceUID"):
        return ""
    told = "\0".join(text(dataset, keyword) for keyword in _INSTEAD)
    return hashlib.sha256(told.encode()).hexdigest()


def _listed(path: Path, budgets: Budgets) -> tuple[str, ...] | None:
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = open_source(file, path, budgets)
        if source.media_class != DIRECTORY:
            return None
        dataset = load_values(source, (_RECORDS,), budgets)
        with decoding("dicom-directory", "DICOMDIR"):
            named = [_named(record) for record in items(dataset, _RECORDS)]
        return tuple(dict.fromkeys(one for one in named if one))[: budgets.frames]


def _named(record: Dataset) -> str:
    """The instance that a record names; records of patients, studies and series name none."""
    return uid(record, "ReferencedSOPInstanceUIDInFile")
