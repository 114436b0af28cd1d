"""PURE: which objects are taken by C-STORE, and in which transfer syntaxes (DICOM PS3.6 A)."""

from __future__ import annotations

VERIFICATION = "1.2.840.10008.1.1"
_STORE = "1.2.840.10008.5.1.4.1.1"
CLASSES = (
    f"{_STORE}.1",  # Computed Radiography
    f"{_STORE}.1.1", f"{_STORE}.1.1.1",  # Digital X-Ray, for presentation and for processing
    f"{_STORE}.1.3", f"{_STORE}.1.3.1",  # Intra-Oral X-Ray
    f"{_STORE}.2", f"{_STORE}.2.1", f"{_STORE}.2.2",  # CT, Enhanced, Legacy Converted
    f"{_STORE}.4", f"{_STORE}.4.1", f"{_STORE}.4.4",  # MR, Enhanced, Legacy Converted
    f"{_STORE}.7",  # Secondary Capture
    f"{_STORE}.7.2", f"{_STORE}.7.3",  # its multi-frame grey ones
)  # fmt: skip
_SYNTAX = "1.2.840.10008.1.2"
SYNTAXES = [  # what imaging.formats.dicom reads
    f"{_SYNTAX}.1", _SYNTAX, f"{_SYNTAX}.2", f"{_SYNTAX}.1.99", f"{_SYNTAX}.5",
    *(f"{_SYNTAX}.4.{n}" for n in (50, 51, 57, 70, 80, 81, 90, 91, 201, 202, 203)),
]  # fmt: skip
