"""Everything of one result as DICOM objects, by the names of their files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from imaging.dicom_out.document import encapsulated_pdf
from imaging.dicom_out.report import structured_report
from imaging.dicom_out.request import Request
from imaging.dicom_out.segmentation import lesion_masks, segmentation
from imaging.dicom_out.sources import capture, source_headers

SEG, SR, PDF, CAPTURE = "seg.dcm", "sr.dcm", "report.dcm", "picture.dcm"


class HeaderTooBare(Exception):
    """The originals' headers lack what an object must say of its image."""


def objects_of(
    request: Request,
    files: Sequence[Path],
    *,
    grey: NDArray[np.uint8] | None,
    levels: NDArray[np.uint8] | None,
    pdf: bytes,
) -> dict[str, Dataset]:
    """Return the objects of one result; a SEG only where something is marked.

    `grey` (Y, X) is the picture where it is no DICOM, `levels` (Z, Y, X) the map or mask.
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
        document = encapsulated_pdf(request, sources, pdf)
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # of highdicom, on oddities
        raise HeaderTooBare(
            f"Its DICOM header lacks what a SEG and an SR must say ({type(error).__name__})."
        ) from error
    return made | ({SEG: seg} if seg is not None else {}) | {SR: report, PDF: document}
