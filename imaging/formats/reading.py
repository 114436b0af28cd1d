"""From a file to a Volume: screen it, then let the one reader of its format at it."""

from __future__ import annotations

from pathlib import Path

from imaging.formats.budgets import HEAD_BYTES, Budgets
from imaging.formats.describing import describe
from imaging.formats.sniffing import named, screen, sniff
from imaging.types import Decoded, Refused

__all__ = ["Budgets", "describe", "read"]


def read(
    path: Path, name: str, budgets: Budgets | None = None, *, first_volume: bool = False
) -> Decoded:
    """Return the one image of the file at `path`, which a person sent as `name`.

    first_volume   of a NIfTI file of several volumes take the first instead of refusing it.

    Raises Refused, with a code and one sentence that names the file and the remedy, for
    everything that is not such an image; MemoryError if the process's own cap is met.
    """
    budgets = budgets or Budgets()
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    screen(head, name, path.stat().st_size, budgets)
    try:
        return _read(path, str(sniff(head)), budgets, first_volume)
    except Refused as refused:
        raise named(refused, name) from refused


def _read(path: Path, kind: str, budgets: Budgets, first_volume: bool) -> Decoded:
    """Import the decoder that this file needs, and no other."""
    if kind == "dicom":
        from imaging.formats.dicom.reading import read_dicom

        return read_dicom(path, budgets)
    if kind in ("nifti", "nifti.gz"):
        from imaging.formats.nifti import read_nifti

        return read_nifti(path, kind, budgets, first_volume=first_volume)
    if kind == "nrrd":
        from imaging.formats.nrrd import read_nrrd

        return read_nrrd(path, budgets)
    from imaging.formats.raster import read_raster

    return read_raster(path, kind, budgets)
