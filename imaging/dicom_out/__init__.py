"""PURE, for the engine child alone: a result as DICOM objects that other systems read.

SEG, SR (TID 1500), an encapsulated PDF, and for a picture that is no DICOM a Secondary Capture
that the others refer to. INTEROP.md §4.
"""
