"""QIDO-RS, WADO-RS and STOW-RS (DICOM PS3.18) over what came as DICOM."""
