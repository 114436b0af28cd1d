"""A DICOM file as a Volume: the whole way on one screen."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import BinaryIO

from pydicom.dataset import Dataset

from imaging.formats.budgets import Budgets
from imaging.formats.dicom import frames, geometry, header, pixels, tones
from imaging.formats.dicom.elements import FLOAT_PIXEL_DATA, PIXEL_DATA
from imaging.formats.dicom.kinds import check_kind
from imaging.formats.dicom.source import Source, load_values, open_source
from imaging.types import Decoded, Refused, Volume

# pydicom's remarks quote the header, which belongs in no log
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)

KEYWORDS = (
    *header.KEYWORDS,
    "Modality",
    *pixels.KEYWORDS,
    *geometry.KEYWORDS,
    *tones.KEYWORDS,
    *frames.KEYWORDS,
)


def read_dicom(path: Path, budgets: Budgets) -> Decoded:
    """Return the one picture of a single-frame CR, DX, CT or MR file; raises Refused."""
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _read(file, path, budgets)


def _read(file: BinaryIO, path: Path, budgets: Budgets) -> Decoded:
    source = open_source(file, path, budgets)
    dataset = load_values(source, KEYWORDS, budgets)
    modality = check_kind(dataset, media_class=source.media_class, has_pixels=_has_pixels(source))
    _check_integers(source)
    frames.lift_functional_groups(dataset)
    found = _read_tones(source, dataset, modality, budgets)
    place = geometry.read_geometry(dataset, modality)
    person = header.read_header(dataset, str(source.syntax))
    remarks = [*_modality_remarks(modality), *found.warnings, *place.warnings]
    return Decoded(
        format="dicom",
        volume=_volume(found, place, modality),
        header=person,
        warnings=(*remarks, *header.header_warnings(dataset, person)),
    )


def _has_pixels(source: Source) -> bool:
    found = (source.elements.get(tag) for tag in (PIXEL_DATA, *FLOAT_PIXEL_DATA))
    return any(element is not None and element.length > 0 for element in found)


def _check_integers(source: Source) -> None:
    if PIXEL_DATA not in source.elements:
        raise Refused(
            "dicom-float-pixels",
            "This file holds floating-point pixels, which are not supported. Send 8 or 16 bits.",
        )


def _read_tones(source: Source, dataset: Dataset, modality: str, budgets: Budgets) -> tones.Tones:
    form = pixels.read_format(dataset, budgets)
    array, photometric = pixels.decode_frame(source, form)
    if form.photometric in pixels.GREY:
        return tones.grey_of_monochrome(array, dataset, form, modality)
    return tones.grey_of_colour(array, photometric, dataset, form)


def _modality_remarks(modality: str) -> list[str]:
    return [] if modality else ["The file does not say its modality; choose it when you upload."]


def _volume(found: tones.Tones, place: geometry.Geometry, modality: str) -> Volume:
    return Volume(
        array=found.array[None],
        modality=modality,
        slope=found.slope,
        intercept=found.intercept,
        spacing_mm=place.spacing_mm,
        spacing_kind=place.spacing_kind,
        unit=found.unit,
        bits=found.bits,
        affine=place.affine,
        padding=found.padding,
        window=found.window,
    )
