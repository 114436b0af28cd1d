"""Pictures of a cohort, drawn anew from pixels: no header, no name, no date can be in them."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import Http404, QueryDict

from accounts.vault.storage import blob_open
from imaging import layers
from imaging.answer_layers import answer_layer
from imaging.answer_page import AnswerDisplay
from imaging.display import Display, default_window, image_planes
from imaging.formats.png import encode_png
from imaging.formats.window import windowed
from imaging.models import Image, Result
from imaging.planes import Plane, first_plane, read_slice
from imaging.viewer import layer_drawn


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice of an image; `number` counts from 1."""

    plane: Plane
    number: int

    @classmethod
    def from_query(cls, query: QueryDict, image: Image) -> Slice:
        """Return what was asked for; what makes no sense becomes the middle of the first plane."""
        planes = image_planes(image)
        plane = planes.get(query.get("plane", "")) or first_plane(planes)
        count, text = plane.shape[0], query.get("slice", "")
        asked = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
        return cls(plane, asked if 1 <= asked <= count else count // 2 + 1)

    @property
    def count(self) -> int:
        return self.plane.shape[0]

    @property
    def query(self) -> str:
        return f"plane={self.plane.name}&slice={self.number}"


def picture_drawn(image: Image, asked: Slice) -> bytes:
    """Return one slice under its first window as a grey PNG."""
    with blob_open(image.pixels) as content:
        index = asked.number - 1
        stored = read_slice(content, image.shape, image.dtype, asked.plane, index)
    facts, window = image.facts, default_window(image)
    grey = windowed(stored, facts.get("slope", 1), facts.get("intercept", 0), window)
    return encode_png(layers.shrink(grey, layers.step_for(grey.shape)), level=3)


def layer_of(result: Result, name: str, query: QueryDict) -> bytes:
    """Return one layer of a result as PNG; Http404 for one that it does not have."""
    if name not in layers.LAYERS:
        raise Http404
    if result.is_measured:
        return layer_drawn(result, name, Display.from_query(query, result), as_stored=False)
    return answer_layer(result, name, AnswerDisplay.from_query(query, result))
