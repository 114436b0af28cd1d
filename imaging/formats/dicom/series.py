"""The files of one series, in any order, as the images that they are: the story on one screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from imaging.formats.budgets import Budgets
from imaging.formats.dicom.grouping import MAX_STACKS, split
from imaging.formats.dicom.kinds import STACKED
from imaging.formats.dicom.opened import Opened, opened
from imaging.formats.dicom.places import Place
from imaging.formats.dicom.stacking import read_stack
from imaging.types import Decoded, Refused


@dataclass(frozen=True, slots=True)
class Found:
    """One image, or files that cannot become one with the reason.

    files   indices of the files, in the order of the slices.
    uids    SOP Instance UID of each of them, "" where there is none.
    """

    files: tuple[int, ...]
    uids: tuple[str, ...] = ()
    decoded: Decoded | None = None
    refused: Refused | None = None


def read_series(paths: Sequence[Path], budgets: Budgets | None = None) -> Iterator[Found]:
    """Yield what the files become, one image in memory at a time; each file once at least.

    A file of several stacks comes with each of them. Nothing but Refused is answered for a file
    that cannot be read; MemoryError if the process's own cap is met.
    """
    budgets = budgets or Budgets()
    places: list[Place] = []
    mosaics = 0
    for file, path in enumerate(paths):
        try:
            with opened(path, budgets) as picture:
                if picture.is_mosaic:  # a volume of its own
                    mosaics += 1
                    yield _mosaic(picture, file, mosaics)
                    continue
                found = _places(picture, file)
                is_slice = picture.modality in STACKED and picture.frames == 1
            if is_slice:
                places += found
            else:  # a radiograph stands alone, and so does an object of many frames
                yield from _stacks(found, paths, budgets)
        except Refused as refused:
            yield Found((file,), refused=refused)
    yield from _stacks(places, paths, budgets)


def _mosaic(picture: Opened, file: int, count: int) -> Found:
    if count > MAX_STACKS:
        raise Refused(
            "series-too-mixed",
            f"This series has more than {MAX_STACKS} mosaics, each a volume of its own. "
            "Send those you need.",
        )
    return Found((file,), (picture.sop_instance_uid,), picture.decode_mosaic())


def _places(picture: Opened, file: int) -> list[Place]:
    frames = picture.frames
    if frames > 1:
        _check_frames(picture)
    return [picture.place(file, frame) for frame in range(frames)]


def _check_frames(picture: Opened) -> None:
    """Refuse what moves, and more frames than any volume has slices."""
    if picture.modality not in STACKED or picture.is_film:  # before any frame is looked at
        raise Refused(
            "dicom-cine",
            f"This file holds {picture.frames:,} frames that are no stack of slices (a film or a "
            "series of captures). Send the one frame you need as a single image.",
        )
    if picture.frames > picture.budgets.frames:
        raise Refused(
            "dicom-too-many-frames",
            f"This file states {picture.frames:,} frames; at most {picture.budgets.frames:,} are "
            "read. Send it in parts.",
        )


def _stacks(places: list[Place], paths: Sequence[Path], budgets: Budgets) -> Iterator[Found]:
    if not places:
        return
    try:
        stacks = split(places)
    except Refused as refused:
        yield Found(_files(places), refused=refused)
        return
    for stack in stacks:
        yield from _read(stack, paths, budgets)


def _read(stack: list[Place], paths: Sequence[Path], budgets: Budgets) -> Iterator[Found]:
    with ExitStack() as files:
        reader = _Reader(paths, budgets, files)
        try:
            stacked = read_stack(stack, reader.decode, budgets)
        except Refused as refused:
            yield Found(_files(stack), refused=refused)
            return
    yield from (Found((place.file,), refused=reason) for place, reason in stacked.failed)
    if stacked.failed and stacked.failed[0][0].file in {place.file for place in stacked.order}:
        return  # one damaged frame condemns an object of many
    if stacked.decoded is not None:
        uids = {place.file: place.sop_instance_uid for place in stacked.order}
        yield Found(tuple(uids), tuple(uids.values()), stacked.decoded)


class _Reader:
    """Decodes slices; the file of the last one stays open, for its next frame may be asked for."""

    def __init__(self, paths: Sequence[Path], budgets: Budgets, files: ExitStack) -> None:
        self._paths, self._budgets, self._files = paths, budgets, files
        self._current: tuple[int, Opened] | None = None

    def decode(self, place: Place) -> Decoded:
        if self._current is None or self._current[0] != place.file:
            self._files.close()
            picture = self._files.enter_context(opened(self._paths[place.file], self._budgets))
            self._current = (place.file, picture)
        picture = self._current[1]
        return picture.decode(place.frame)


def _files(places: Sequence[Place]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(place.file for place in places))
