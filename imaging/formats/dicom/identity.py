"""To which series a file belongs, or which files a DICOMDIR lists; no pixel is looked at."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from imaging.formats.budgets import Budgets
from imaging.formats.decoding import decoding
from imaging.formats.dicom.kinds import DIRECTORY, STACKED
from imaging.formats.dicom.opened import opened
from imaging.formats.dicom.source import load_values, open_source
from imaging.formats.dicom.values import items, uid

_RECORDS = "DirectoryRecordSequence"


@dataclass(frozen=True, slots=True)
class Identity:
    """series: its UID for a slice of one, else ""; listed: the UIDs that a DICOMDIR names."""

    series: str = ""
    listed: tuple[str, ...] | None = None


def identify(path: Path, budgets: Budgets | None = None) -> Identity:
    """Return what the file is a part of; Refused for what is no image and no DICOMDIR."""
    budgets = budgets or Budgets()
    listed = _listed(path, budgets)
    if listed is not None:
        return Identity(listed=listed)
    with opened(path, budgets) as picture:
        is_slice = picture.modality in STACKED and picture.frames == 1
        return Identity(series=uid(picture.dataset, "SeriesInstanceUID") if is_slice else "")


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
