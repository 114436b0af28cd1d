"""Everything of one result as DICOM objects, by the names of their files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset

from imaging.dicom_out.document import encapsulated_pdf
from imaging.dicom_out.report import structured_report
from imaging.dicom_out.request import Request
from imaging.dicom_out.segmentation import (
    MOST_OF_A_MAP,
    lesion_masks,
    probability_map,
    segmentation,
)
from imaging.dicom_out.sources import capture, source_headers
from imaging.formats.dicom.instance import header_json

WORDS = frozenset({0x0040A730, 0x0040A073, 0x0040A078})  # content, verifying, author observers
SEG, SR, PDF, CAPTURE = "seg.dcm", "sr.dcm", "report.dcm", "picture.dcm"
MAP = "map.dcm"


class HeaderTooBare(Exception):
    """The originals' headers lack what an object must say of its image."""


def objects_of(
    request: Request,
    files: Sequence[Path],
    *,
    grey: NDArray[np.uint8] | None,
    levels: NDArray[np.uint8] | None,
    pdf: bytes | None,
    probability: NDArray[np.uint8] | None = None,
) -> dict[str, Dataset]:
    """Return the objects of one result; a SEG only where something is marked, no PDF for None.

    `grey` (Y, X) is the picture where it is no DICOM, `levels` (Z, Y, X) the map or mask that
    regions are of, `probability` the models' map where it is to leave too; a map of zeros and one
    of more than MOST_OF_A_MAP voxels does not.
    Raises: Refused, HeaderTooBare; ValueError when the map holds other lesions than those listed.
    """
    made: dict[str, Dataset] = {}
    masks = [] if levels is None else lesion_masks(levels, request)
    try:
        if grey is not None:
            made[CAPTURE] = capture(request, grey)
        sources = [made[CAPTURE]] if grey is not None else source_headers(files, request)
        seg = segmentation(request, sources, masks) if masks else None
        report = structured_report(request, sources, seg)
        if probability is not None and probability.any() and probability.size <= MOST_OF_A_MAP:
            made[MAP] = probability_map(request, sources, probability)
        document = None if pdf is None else encapsulated_pdf(request, sources, pdf)
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # of highdicom, on oddities
        raise HeaderTooBare(
            f"Its DICOM header lacks what a SEG and an SR must say ({type(error).__name__})."
        ) from error
    made |= {SEG: seg} if seg is not None else {}
    return made | {SR: report} | ({PDF: document} if document is not None else {})


def header_of(path: Path) -> dict[str, Any]:
    """Return DICOM JSON (PS3.18 F.2) of an object's file: no pixels, no reader's words.

    The content of an SR names who signed it; it is in the file, and in no list.
    """
    made = dcmread(path, stop_before_pixels=True)
    for tag in WORDS & set(made.keys()):
        del made[tag]
    return header_json(made)
