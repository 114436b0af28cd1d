"""The pictures of a result without a measured map, drawn by the server."""

from __future__ import annotations

import numpy as np
from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.models import Blob
from accounts.vault.storage import blob_open
from imaging import layers
from imaging.answer_page import AnswerDisplay
from imaging.formats.png import encode_png
from imaging.formats.window import windowed
from imaging.models import Image, Result
from imaging.planes import read_slice, square_size

LAYERS = ("original", "heat")


def answer_layer(result: Result, name: str, display: AnswerDisplay) -> bytes:
    """Return one slice of the picture, or of the map over it, as PNG; Http404 for others."""
    image, plane = result.image, display.plane
    step = layers.step_for(plane.shape[1:])
    square = square_size(plane)
    size = None if square == plane.shape[1:] else layers.within(square)
    if name == "original":
        stored = _slice(image.pixels, image, image.dtype, display)
        facts, window = image.facts, (display.center, display.width)
        grey = windowed(stored, facts.get("slope", 1), facts.get("intercept", 0), window)
        return encode_png(layers.squared(layers.shrink(grey, step), size, smooth=True), level=3)
    if name not in LAYERS or not display.map:
        raise Http404
    found = get_object_or_404(result.maps.select_related("blob"), name=display.map)
    levels = layers.thin(_slice(found.blob, image, "uint8", display), step)
    levels = layers.squared(levels, size)
    heat = layers.heat_layer(levels, name=display.palette, opacity=display.opacity)
    return encode_png(heat, level=3)


def _slice(blob: Blob, image: Image, dtype: str, display: AnswerDisplay) -> np.ndarray:
    with blob_open(blob) as content:
        return read_slice(content, image.shape, dtype, display.plane, display.slice)
