"""PURE: which pictures may carry words of a patient in their pixels, from what the file says."""

from __future__ import annotations

from collections.abc import Collection

from imaging.types import BURNED_IN

SAID, CAPTURE, PICTURE = "burned-in", "capture", "picture"
RASTERS = ("png", "jpeg", "tiff")
CAPTURES = ("US", "SC", "OT", "XC", "ES", "GM", "SM", "OP", "DOC")  # PS3.3 C.7.3.1.1.1
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"  # and its multi-frame kin, PS3.4 B.5
ULTRASOUND = ("1.2.840.10008.5.1.4.1.1.6.", "1.2.840.10008.5.1.4.1.1.3.")


def hold_of(
    kind: str, *, modality: str, sop_class_uid: str, warnings: Collection[str], raster: bool
) -> str:
    """Return why a person must look first, "" when the file gives no reason.

    kind      the format of the file: dicom, nifti, png …
    modality  DICOM (0008,0060).
    """
    if BURNED_IN in warnings:
        return SAID
    if raster or kind in RASTERS:
        return PICTURE
    is_capture = sop_class_uid == SECONDARY_CAPTURE or sop_class_uid.startswith(
        (f"{SECONDARY_CAPTURE}.", *ULTRASOUND)
    )
    return CAPTURE if is_capture or modality.upper() in CAPTURES else ""
