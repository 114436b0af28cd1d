"""The pictures of one result for print, drawn from the stored pixels and maps."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from accounts.vault.storage import blob_open
from imaging import layers
from imaging.formats.png import encode_png
from imaging.formats.window import apply_window
from imaging.models import Image, Result
from imaging.palettes import heat_over
from imaging.result_page import default_window
from imaging.review_page import cut_of
from imaging.services.reviews import latest_review
from reports.content import Pictures

JPEG_QUALITY = 88
PRINT_SIDE = 1024


def result_pictures(result: Result) -> Pictures:
    """Draw original, mask and heat at the threshold that counts; a volume by its largest slice."""
    levels, level = map_array(result), level_of(result)
    index = int(np.argmax((levels >= level).sum(axis=(1, 2))))
    grey = _grey(result.image, index)
    step = max(1, -(-max(grey.shape) // PRINT_SIDE))
    small, shown = layers.shrink(grey, step), layers.thin(levels[index], step)
    heat = heat_over(small, shown)
    heat[layers.outline_layer(shown, level, width=2)[..., 3] > 0] = layers.OUTLINE
    return Pictures(_jpeg(small), encode_png(shown >= level, level=1), _jpeg(heat))


def mask_png(result: Result) -> bytes:
    """Return the binary mask at the threshold that counts on the image's own grid, 1 bit."""
    levels = map_array(result)
    return encode_png(levels[0] >= level_of(result), level=1)


def level_of(result: Result) -> int:
    """Return the level of the mask: the reader's where the result was edited, else its own."""
    return cut_of(result, latest_review(result)).level


def map_array(result: Result) -> NDArray[np.uint8]:
    """Return the ensemble's map, uint8 (Z, Y, X)."""
    found = result.maps.select_related("blob").get(name="ensemble")
    return np.frombuffer(blob_open(found.blob).read(), np.uint8).reshape(result.image.shape)


def _grey(image: Image, index: int) -> NDArray[np.uint8]:
    kind = np.dtype(image.dtype).newbyteorder("<")
    length = image.height * image.width * kind.itemsize
    stored = np.frombuffer(
        blob_open(image.pixels).read_range(index * length, (index + 1) * length), kind
    ).reshape(image.height, image.width)
    values = stored * image.facts.get("slope", 1) + image.facts.get("intercept", 0)
    return apply_window(values, *default_window(image))


def _jpeg(array: NDArray[np.uint8]) -> bytes:
    sink = io.BytesIO()
    Picture.fromarray(array).save(sink, "JPEG", quality=JPEG_QUALITY)
    return sink.getvalue()
