"""One DICOM file as the one image that it holds."""

from __future__ import annotations

from pathlib import Path

from imaging.formats.budgets import Budgets
from imaging.formats.dicom.series import read_series
from imaging.types import Decoded, Refused


def read_dicom(path: Path, budgets: Budgets) -> Decoded:
    """Return the picture or the one stack of a file; raises Refused, for several stacks too."""
    image: Decoded | None = None
    for found in read_series([path], budgets):
        if found.refused is not None:
            raise found.refused
        if image is not None:
            raise Refused(
                "dicom-many-stacks",
                "This file holds several stacks of slices. Send it on the site, which makes an "
                "image of each, or export the stack you need.",
            )
        image = found.decoded
    if image is None:
        raise Refused("dicom-no-pixels", "This file holds no picture. Export the image itself.")
    return image
