"""Which DICOM objects are images that MediScan analyses; every other is refused by its name."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.uid import UID_dictionary

from imaging.formats.dicom.values import text
from imaging.types import Refused

MODALITIES = {
    "CR": "X-ray",
    "DX": "X-ray",
    "RG": "X-ray",
    "PX": "X-ray",
    "CT": "CT",
    "MR": "MRI",
}
XRAY = frozenset(code for code, word in MODALITIES.items() if word == "X-ray")
STACKED = frozenset(("CT", "MR"))  # slices; a radiograph stands alone
UNSAID = frozenset(("", "OT", "SC"))  # a picture of something, the file does not say of what

DIRECTORY = "1.2.840.10008.1.3.10"
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_MODALITY_OF = {
    f"{_STORAGE}1": "CR",
    f"{_STORAGE}1.1": "DX",
    f"{_STORAGE}1.1.1": "DX",
    f"{_STORAGE}2": "CT",
    f"{_STORAGE}2.1": "CT",
    f"{_STORAGE}2.2": "CT",
    f"{_STORAGE}4": "MR",
    f"{_STORAGE}4.1": "MR",
    f"{_STORAGE}4.4": "MR",
}
CLASS_OF = {  # the SOP Class of a picture where an anonymiser took it away
    "CT": f"{_STORAGE}2",
    "MR": f"{_STORAGE}4",
    "CR": f"{_STORAGE}1",
    "DX": f"{_STORAGE}1.1",
}
# objects that are no pictures, by SOP Class (PS3.4 B.5); longest prefix first
_OBJECTS = (
    (DIRECTORY, "a DICOMDIR, the index of a disc"),
    (f"{_STORAGE}88.59", "a Key Object Selection"),
    (f"{_STORAGE}88.", "a Structured Report"),
    (f"{_STORAGE}104.1", "an Encapsulated PDF document"),
    (f"{_STORAGE}104.", "an Encapsulated document"),
    (f"{_STORAGE}481.2", "an RT Dose map"),
    (f"{_STORAGE}481.3", "an RT Structure Set"),
    (f"{_STORAGE}481.5", "an RT Plan"),
    (f"{_STORAGE}481.", "a radiotherapy object"),
    (f"{_STORAGE}66.4", "a Segmentation (SEG)"),
    (f"{_STORAGE}66.7", "a Segmentation (SEG)"),
    (f"{_STORAGE}66", "raw data or a registration"),
    (f"{_STORAGE}67", "a Real World Value Mapping"),
    (f"{_STORAGE}68.", "a surface scan"),
    (f"{_STORAGE}30", "a Parametric Map"),
    (f"{_STORAGE}11.", "a Presentation State"),
    (f"{_STORAGE}9.", "a waveform, for instance an ECG"),
    (f"{_STORAGE}91.", "a set of microscopy annotations"),
    ("1.2.840.10008.5.1.4.34.", "a work list or radiotherapy instruction"),
    ("1.2.840.10008.5.1.4.38.", "a Hanging Protocol"),
)
_PICTURES = {
    "BI": "a biomagnetic image",
    "DM": "a dermoscopy image",
    "DOC": "a document",
    "ECG": "an ECG",
    "ES": "an endoscopy image",
    "GM": "a microscopy image",
    "IO": "an intra-oral X-ray",
    "IVOCT": "an intravascular OCT image",
    "IVUS": "an intravascular ultrasound image",
    "KO": "a Key Object Selection",
    "M3D": "a 3-D model",
    "MG": "a mammogram",
    "NM": "a nuclear medicine image",
    "OCT": "an optical coherence tomogram",
    "OP": "an ophthalmic photograph",
    "OPT": "an ophthalmic tomogram",
    "PR": "a Presentation State",
    "PT": "a PET image",
    "REG": "a registration",
    "RF": "a fluoroscopy image",
    "RTDOSE": "an RT Dose map",
    "RTIMAGE": "a radiotherapy image",
    "RTPLAN": "an RT Plan",
    "RTSTRUCT": "an RT Structure Set",
    "SEG": "a Segmentation (SEG)",
    "SM": "a slide microscopy image",
    "SR": "a Structured Report",
    "US": "an ultrasound image",
    "XA": "an angiogram",
    "XC": "a photograph",
}
_SUPPORTED = "X-ray (CR, DX, RG, PX), CT and MR images"


def check_kind(dataset: Dataset, *, media_class: str, has_pixels: bool) -> str:
    """Return the modality, "" if the file does not say; Refused for what is not analysed."""
    sop_class = text(dataset, "SOPClassUID") or media_class
    modality = text(dataset, "Modality").upper()
    for prefix, noun in _OBJECTS:
        if sop_class == prefix or (prefix.endswith(".") and sop_class.startswith(prefix)):
            raise _not_an_image(noun)
    if sop_class.startswith((f"{_STORAGE}66.", f"{_STORAGE}68.")):
        raise _not_an_image("raw data or a registration")
    if modality in UNSAID:
        modality = _MODALITY_OF.get(sop_class, "")
    if not has_pixels:
        raise _without_pixels(sop_class, modality)
    if modality and modality not in MODALITIES:
        raise Refused(
            "dicom-modality",
            f"This file is {_noun(modality)}. MediScan analyses {_SUPPORTED}; send one of those.",
        )
    return modality


def _without_pixels(sop_class: str, modality: str) -> Refused:
    known = UID_dictionary.get(sop_class, ("",))[0]
    if modality in _PICTURES and "Image" not in known:
        return _not_an_image(_PICTURES[modality])
    return Refused(
        "dicom-no-pixels",
        "This file is a DICOM header without a picture (no Pixel Data). Export the image itself.",
    )


def _not_an_image(noun: str) -> Refused:
    return Refused(
        "dicom-not-an-image", f"This file is {noun}, not an image. Send the images themselves."
    )


def _noun(modality: str) -> str:
    if modality in _PICTURES:
        return _PICTURES[modality]
    shown = "".join(c for c in modality if c.isascii() and c.isalnum())[:16]
    return f"an image of modality “{shown}”"
