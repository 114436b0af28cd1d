"""One DICOM file laid open: its header once, its frames as they are asked for."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pydicom.dataset import Dataset

from imaging.formats.budgets import Budgets
from imaging.formats.dicom import frames, geometry, header, mosaic, pixels, places, tones
from imaging.formats.dicom.elements import FLOAT_PIXEL_DATA, PIXEL_DATA
from imaging.formats.dicom.kinds import check_kind
from imaging.formats.dicom.source import Source, load_values, open_source
from imaging.formats.dicom.values import integer, uid
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
    *places.KEYWORDS,
    *(_FILM := ("FrameTime", "FrameTimeVector", "CineRate")),
)


@dataclass(frozen=True, slots=True)
class Opened:
    """An image of one or more frames, none of them decoded yet."""

    source: Source
    dataset: Dataset
    modality: str
    budgets: Budgets

    @property
    def frames(self) -> int:
        return max(1, integer(self.dataset, "NumberOfFrames") or 1)

    @property
    def is_film(self) -> bool:
        """Whether its frames follow one another in time: PS3.3 C.7.6.5, and no enhanced object."""
        return any(keyword in self.dataset for keyword in _FILM)

    @property
    def is_mosaic(self) -> bool:
        return mosaic.is_mosaic(self.dataset)

    @property
    def sop_instance_uid(self) -> str:
        return uid(self.dataset, "SOPInstanceUID")

    def place(self, file: int, frame: int = 0) -> places.Place:
        return places.read_place(self._header(frame), file, frame, is_only=self.frames == 1)

    def decode(self, frame: int = 0) -> Decoded:
        """Return one frame as a volume of one slice; raises Refused."""
        dataset = self._header(frame)
        found = self._tones(dataset, frame)
        place = geometry.read_geometry(dataset, self.modality)
        person = header.read_header(dataset, str(self.source.syntax))
        remarks = [*_modality_remarks(self.modality), *found.warnings, *place.warnings]
        return Decoded(
            format="dicom",
            volume=_volume(found, place, self.modality),
            header=person,
            warnings=(*remarks, *header.header_warnings(dataset, person)),
        )

    def decode_mosaic(self) -> Decoded:
        """Return the one frame of a mosaic as the volume of its slices; raises Refused."""
        if self.frames > 1:
            raise mosaic.refused(f"there are {self.frames:,} such pictures in it")
        flat = self.decode()
        found = mosaic.unfold(flat.volume.array[0], self.dataset, self.source, self.budgets)
        volume = replace(
            flat.volume,
            array=found.array,
            spacing_mm=found.spacing_mm,
            spacing_kind="calibrated" if found.spacing_mm else "none",
            affine=found.affine,
        )
        kept = (one for one in flat.warnings if one not in geometry.OF_ONE_SLICE)
        return replace(flat, volume=volume, warnings=(*found.warnings, *kept))

    def _header(self, frame: int) -> Dataset:
        return frames.frame_header(self.dataset, frame)

    def _tones(self, dataset: Dataset, frame: int) -> tones.Tones:
        form = pixels.read_format(dataset, self.budgets)
        array, photometric = pixels.decode_frame(self.source, form, frame)
        if form.photometric in pixels.GREY:
            return tones.grey_of_monochrome(array, dataset, form, self.modality)
        return tones.grey_of_colour(array, photometric, dataset, form)


@contextmanager
def opened(path: Path, budgets: Budgets) -> Iterator[Opened]:
    """Open the file; Refused unless it is an image of a kind that is analysed."""
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = open_source(file, path, budgets)
        dataset = load_values(source, KEYWORDS, budgets)
        modality = check_kind(
            dataset, media_class=source.media_class, has_pixels=_has_pixels(source)
        )
        if PIXEL_DATA not in source.elements:
            raise Refused(
                "dicom-float-pixels",
                "This file holds floating-point pixels, which are not supported. "
                "Send 8 or 16 bits.",
            )
        yield Opened(source, dataset, modality, budgets)


def _has_pixels(source: Source) -> bool:
    found = (source.elements.get(tag) for tag in (PIXEL_DATA, *FLOAT_PIXEL_DATA))
    return any(element is not None and element.length > 0 for element in found)


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
