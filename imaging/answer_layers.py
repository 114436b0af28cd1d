"""The pictures of a result without a measured map, drawn by the server."""

from __future__ import annotations

import numpy as np
from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.vault.storage import blob_open
from imaging import layers
from imaging.answer_page import AnswerDisplay
from imaging.formats.png import encode_png
from imaging.formats.window import windowed
from imaging.models import Result

LAYERS = ("original", "heat")


def answer_layer(result: Result, name: str, display: AnswerDisplay) -> bytes:
    """Return one slice of the picture, or of the map over it, as PNG; Http404 for others."""
    image = result.image
    step = layers.step_for((image.height, image.width))
    if name == "original":
        kind = np.dtype(image.dtype)
        stored = _slice(image.pixels, image, display.slice, kind.newbyteorder("<"))
        facts, window = image.facts, (display.center, display.width)
        grey = windowed(stored, facts.get("slope", 1), facts.get("intercept", 0), window)
        return encode_png(layers.shrink(grey, step), level=3)
    if name not in LAYERS or not display.map:
        raise Http404
    found = get_object_or_404(result.maps.select_related("blob"), name=display.map)
    levels = layers.thin(_slice(found.blob, image, display.slice, np.dtype(np.uint8)), step)
    heat = layers.heat_layer(levels, name=display.palette, opacity=display.opacity)
    return encode_png(heat, level=3)


def _slice(blob, image, index: int, kind: np.dtype) -> np.ndarray:
    length = image.height * image.width * kind.itemsize
    data = blob_open(blob).read_range(index * length, (index + 1) * length)
    return np.frombuffer(data, kind).reshape(image.height, image.width)
