"""A DICOM data set without identity: each attribute treated as `profile` says, at any depth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID_dictionary

from imaging.confidential.disguise import CODES, METHOD, Disguise, time_of_day
from imaging.confidential.profile import Fate, fate_of
from imaging.confidential.words import cleaned
from imaging.types import Refused

DEPTH = 32
CHARACTER_SET, UTF_8 = 0x00080005, "ISO_IR 192"
DUMMIES: dict[str, Any] = {
    **dict.fromkeys(("CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT", "AE"), "ANONYMIZED"),
    **dict.fromkeys(("DS", "IS", "FL", "FD", "SL", "SS", "UL", "US", "SV", "UV"), 0),
    **dict.fromkeys(("OB", "OW", "OD", "OF", "OL", "OV", "UN"), bytes(8)),
    "AS": "000Y", "UR": "https://anonymized.invalid", "AT": 0,
}  # fmt: skip
UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, NotImplementedError,
              OverflowError, ArithmeticError)  # fmt: skip


def rewrite(dataset: Dataset, disguise: Disguise) -> None:
    """Take the identity out of `dataset`, of a patient and study named as `disguise` says.

    Raises: Refused for sequences more than 32 deep.
    """
    _rewrite(dataset, disguise, DEPTH)
    dataset.SpecificCharacterSet = UTF_8
    dataset.PatientName = dataset.PatientID = disguise.patient
    dataset.StudyID = disguise.study
    for keyword in ("PatientBirthDate", "PatientSex", "AccessionNumber", "ReferringPhysicianName"):
        setattr(dataset, keyword, None)  # type 2: there, and blank
    if disguise.is_reviewed:
        dataset.BurnedInAnnotation = "NO"
    mark(dataset)


def mark(dataset: Dataset) -> None:
    """Write down that the identity is gone, and by which rules (PS3.15 E.1.1, PS3.3 C.7.1.1)."""
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = METHOD
    dataset.DeidentificationMethodCodeSequence = Items(
        _code(value, meaning) for value, meaning in CODES.items()
    )
    dataset.LongitudinalTemporalInformationModified = "MODIFIED"


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


def _rewrite(dataset: Dataset, disguise: Disguise, depth: int) -> None:
    if depth < 0:
        raise Refused(
            "dicom-too-deep",
            f"This file nests sequences more than {DEPTH} deep. "
            "Export it again without private data.",
        )
    for tag in sorted(dataset.keys()):  # the character set of an item comes before its texts
        element = _element(dataset, int(tag))
        if element is None:
            del dataset[tag]
        elif int(tag) != CHARACTER_SET:
            _treat(dataset, element, disguise, depth)
    if CHARACTER_SET in dataset:
        del dataset[CHARACTER_SET]  # an item's own: all texts are decoded by now


def _element(dataset: Dataset, tag: int) -> DataElement | None:
    """Return the attribute, or None for what is unknown, cannot be read or is of another kind."""
    if not dictionary_has_tag(tag):
        return None
    try:
        element = dataset[tag]
    except UNREADABLE:
        return None  # what cannot be read cannot be judged: it stays here
    known = dictionary_VR(tag)
    return element if element.VR in (known, *known.split(" or ")) else None


def _treat(dataset: Dataset, element: DataElement, disguise: Disguise, depth: int) -> None:
    tag, vr = element.tag, element.VR
    fate = fate_of(int(tag), dictionary_VR(tag).split(" or ")[0])
    if fate is Fate.KEEP:
        return
    if fate is Fate.INSIDE:
        for item in element.value or ():
            _rewrite(item, disguise, depth - 1)
        return
    value = None if fate is Fate.REMOVE else _value(fate, element, disguise)
    if value is None:
        del dataset[tag]
    else:
        dataset[tag] = DataElement(tag, vr, value)


def _value(fate: Fate, element: DataElement, disguise: Disguise) -> Any:
    """Return what stands in the attribute from now on; None: the attribute goes."""
    if fate is Fate.EMPTY:
        return Items() if element.VR == "SQ" else ""
    if fate is Fate.DUMMY:
        return Items([Dataset()]) if element.VR == "SQ" else DUMMIES.get(element.VR, "")
    if fate is Fate.WORDS:
        return cleaned(str(element.value or ""))
    return _each(element.value, disguise.uid if fate is Fate.UID else _clock(element.VR, disguise))


def _clock(vr: str, disguise: Disguise) -> Callable[[str], str]:
    return {"DA": disguise.date, "DT": disguise.moment}.get(vr, time_of_day)


def _each(value: Any, change: Callable[[str], str]) -> Any:
    """Change each value of an attribute; UIDs that the standard itself gave stay."""
    if value is None or value == "":
        return ""
    if isinstance(value, MultiValue | list):
        return [_each(one, change) for one in value]
    return str(value) if str(value) in UID_dictionary else change(str(value))
