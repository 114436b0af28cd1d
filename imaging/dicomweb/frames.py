"""The frames of an instance: as they are stored, unpacked, and as grey for the eye."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

import numpy as np
from django.conf import settings
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from accounts.api.problems import Problem
from accounts.api.waiting import wait_until
from accounts.vault.storage import blob_open
from imaging.dicomweb.accept import NATIVE
from imaging.formats.png import encode_png
from imaging.formats.window import default_window, windowed
from imaging.models import Instance
from imaging.services.instances import frames_ask, value_of
from imaging.types import Volume

AGAIN_S = 5
MOST_SIDE = 4096  # of a picture that is drawn: a larger one leaves out rows and columns
OCTETS = "application/octet-stream"
MEDIA = {  # of compressed frames (PS3.18 table 8.7.3-5)
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.202": "image/jphc",
    "1.2.840.10008.1.2.4.203": "image/jphc",
}
GREY = ("MONOCHROME1", "MONOCHROME2")


def frame_numbers(text: str, instance: Instance) -> list[int]:
    """Return the indices, from 0, of a list such as “1,3”. Raises: Problem, 400 and 404."""
    words = text.split(",")
    if len(words) > settings.DICOMWEB_MAX_FRAMES or not all(map(_is_number, words)):
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "frames_invalid",
            _("Name frames by numbers from 1 with commas between them, at most %d.")
            % settings.DICOMWEB_MAX_FRAMES,
        )
    numbers = [int(word) - 1 for word in words]
    count = instance.layout["frames"]
    if not all(0 <= number < count for number in numbers):
        raise Problem(
            HTTPStatus.NOT_FOUND, "not_found", _("This instance has %d frame(s).") % count
        )
    return numbers


def stored_kinds(instance: Instance) -> list[tuple[str, str]]:
    """Return how frames can go out without any work: (media type, transfer syntax)."""
    layout = instance.layout
    if layout["pieces"] is not None:
        syntax = layout["syntax"]
        return [(MEDIA[syntax], syntax)] if syntax in MEDIA else []
    if layout["offset"] is not None:
        return [(OCTETS, NATIVE)]
    return []


def can_unpack(instance: Instance) -> bool:
    """Whether its frames can be had as plain stored values: of grey ones the child makes them."""
    return instance.layout["offset"] is not None or instance.layout["samples"] == 1


def frame_chunks(instance: Instance, number: int, syntax: str) -> Iterator[bytes]:
    """Return the bytes of one frame piece by piece, in the syntax that was chosen.

    Raises: Problem, 503, while compressed frames are being unpacked.
    """
    layout = instance.layout
    if syntax == NATIVE:
        blob, start = _native(instance)
        start += number * layout["frame_bytes"]
        return blob_open(blob).chunks(start, start + layout["frame_bytes"])
    return _pieces(instance, layout["pieces"][number])


def frame_array(instance: Instance, number: int) -> NDArray[Any]:
    """Return the stored values of one frame of a grey instance, (Y, X).

    Raises: Problem, 503, while its frames are being unpacked.
    """
    layout = instance.layout
    data = b"".join(frame_chunks(instance, number, NATIVE))
    size = layout["allocated"] // 8
    kind = np.dtype(f"<{'i' if layout['signed'] else 'u'}{size}")
    array = np.frombuffer(data, kind).reshape(layout["rows"], layout["columns"])
    if instance.layout["offset"] is None or layout["stored"] == layout["allocated"]:
        return array
    raised = np.left_shift(array, layout["allocated"] - 1 - layout["high_bit"])
    return np.right_shift(raised, layout["allocated"] - layout["stored"])


def frame_png(instance: Instance, number: int, window: tuple[float, float] | None) -> bytes:
    """Return one frame as a grey PNG under `window`, (center, width), else under its own.

    Raises: Problem, 406 for colours, 503 while frames are being unpacked.
    """
    if instance.layout["photometric"] not in GREY:
        raise Problem(
            HTTPStatus.NOT_ACCEPTABLE,
            "not_acceptable",
            _("Only grey pictures are drawn here: ask for the frames."),
        )
    array = frame_array(instance, number)
    step = -(-max(array.shape) // MOST_SIDE)
    array = np.ascontiguousarray(array[::step, ::step])
    volume = _volume(instance, array)
    grey = windowed(array, volume.slope, volume.intercept, window or default_window(volume))
    is_inverse = instance.layout["photometric"] == "MONOCHROME1"
    return encode_png(255 - grey if is_inverse else grey, level=3)


def _native(instance: Instance):
    """Return the blob with the plain frames and where they begin; waits for it to be made."""
    if instance.layout["offset"] is not None:
        return instance.source.blob, instance.layout["offset"]
    if instance.native is None:
        made = Instance.objects.filter(pk=instance.pk, native__isnull=False)
        frames_ask(instance)
        if not wait_until(made.exists, settings.DICOMWEB_WAIT_S):
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "unpacking",
                _("The frames are being unpacked. Ask again in a few seconds."),
                wait=AGAIN_S,
            )
        instance.native = made.select_related("native").get().native
    return instance.native, 0


def _pieces(instance: Instance, pieces: Sequence[Sequence[int]]) -> Iterator[bytes]:
    reader = blob_open(instance.source.blob)
    for start, length in pieces:
        yield from reader.chunks(start, start + length)


def _volume(instance: Instance, array: NDArray[Any]) -> Volume:
    """The frame as the house's window knows it: slope, intercept and the file's own window."""
    told = json.loads(instance.attributes)
    slope = _number(value_of(told, "00281053"), 1.0) or 1.0
    center, width = (_number(value_of(told, tag), 0.0) for tag in ("00281050", "00281051"))
    return Volume(
        array=array[None],
        modality=instance.modality,
        slope=slope,
        intercept=_number(value_of(told, "00281052"), 0.0),
        unit="HU" if instance.modality == "CT" and "00281053" in told else "",
        window=(center, width) if width >= 1 else None,
    )


def _number(value: Any, default: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else default


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 6
