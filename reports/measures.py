"""PURE: the measures of a whole image as other systems are told of them, in this order."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Told:
    """One measure that leaves the house.

    name  our own, and the code in FHIR.
    words what it is called, in English as every file that leaves the house.
    unit  in UCUM (https://ucum.org): mL, mm2, %; "1" for a bare number.
    """

    name: str
    words: str
    unit: str = "1"

    @property
    def code(self) -> str:
        """What a DICOM SR codes it as; a code value has at most 16 characters (PS3.5, SH)."""
        return self.name.upper()[:16]


TOLD = (
    Told("area_percent", "Affected area", "%"),
    Told("area_mm2", "Area", "mm2"),
    Told("volume_ml", "Volume", "mL"),
    Told("average_intensity", "Average lesion intensity, grey 0 to 255"),
    Told("ratio", "Intensity ratio to the surroundings"),
    Told("circularity", "Circularity, 1 is round"),
    Told("sphericity", "Sphericity, 1 is a ball"),
    Told("lesions", "Regions"),
)
