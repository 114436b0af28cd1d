"""What a decoded file is, in a few plain values for `manage.py inspect` and for people."""

from __future__ import annotations

from typing import Any

from imaging.types import Decoded, Volume

_PLANES = {"x": "sagittal", "y": "coronal", "z": "axial"}


def describe(decoded: Decoded) -> dict[str, Any]:
    """Return JSON-able facts without identity; spacing is [z, y, x] in mm or None."""
    volume = decoded.volume
    frames, height, width = volume.array.shape
    return {
        "format": decoded.format,
        "modality": volume.modality,
        "width": width,
        "height": height,
        "frames": frames,
        "missing": list(volume.missing),
        "bits": volume.bits,
        "spacing_mm": list(volume.spacing_mm) if volume.spacing_mm else None,
        "spacing_kind": volume.spacing_kind,
        "orientation": orientation(volume) or "\\".join(decoded.header.patient_orientation),
        "photometric": decoded.header.photometric,
        "warnings": list(decoded.warnings),
    }


def orientation(volume: Volume) -> str:
    """Return where columns, rows and slices lead, for instance "LPS axial"; "" if unknown.

    Letters of the patient's side (left, posterior, superior and their opposites), each for the
    axis that the direction is nearest to.
    """
    if volume.affine is None:
        return ""
    letters, plane = "", ""
    for axis in range(3):
        direction = [row[axis] for row in volume.affine[:3]]
        main = max(range(3), key=lambda i: abs(direction[i]))
        letters += ("LPS" if direction[main] > 0 else "RAI")[main]
        plane = _PLANES["xyz"[main]]  # the last axis runs through the slices
    return f"{letters} {plane}"
