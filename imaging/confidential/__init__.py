"""PURE: DICOM without identity, PS3.15 Annex E."""
