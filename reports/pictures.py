"""The pictures of one result for print, drawn from the stored pixels and maps."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from accounts.models import Blob
from accounts.vault.storage import blob_open
from imaging import layers
from imaging.display import default_window, image_planes, opening_slice
from imaging.formats.png import encode_png
from imaging.formats.window import apply_window
from imaging.mask_files import map_of, mask_standing
from imaging.models import Image, Result
from imaging.palettes import heat_over
from imaging.planes import Plane, first_plane, read_slice, square_size
from imaging.services.reviews import latest_review, review_numbered
from reports.answer_pictures import answer_pictures
from reports.content import Pictures

JPEG_QUALITY = 88
PRINT_SIDE = 1024


def result_pictures(result: Result, version: int | None = None) -> Pictures:
    """Draw original, mask and heat at the threshold that counts; a volume by its largest slice.

    version  an earlier version of the verdict, whose mask or threshold is drawn instead.
    """
    if not result.is_measured:
        return answer_pictures(result)
    image, plane = result.image, first_plane(image_planes(result.image))
    index, (kept, level) = _key_slice(result, plane, version), mask_standing(result, version)
    levels, grey = _slice(map_of(result), image, plane, index), _grey(image, plane, index)
    cut = levels if kept == map_of(result) else _slice(kept, image, plane, index)
    step = max(1, -(-max(grey.shape) // PRINT_SIDE))
    small, shown, cut = (
        layers.shrink(grey, step), layers.thin(levels, step), layers.thin(cut, step)
    )  # fmt: skip
    square = square_size(plane)
    if square != plane.shape[1:]:
        size = layers.within(square, PRINT_SIDE)
        small = layers.squared(small, size, smooth=True)
        shown, cut = layers.squared(shown, size), layers.squared(cut, size)
    heat = heat_over(small, shown)
    heat[layers.outline_layer(cut, level, width=2)[..., 3] > 0] = layers.OUTLINE
    return Pictures(_jpeg(small), encode_png(cut >= level, level=1), _jpeg(heat))


def _key_slice(result: Result, plane: Plane, version: int | None) -> int:
    """Return the slice to draw: through the largest region of a reader's mask, else the models'."""
    review = latest_review(result) if version is None else review_numbered(result, version)
    if plane.shape[0] == 1 or review is None or review.mask is None or not review.lesions:
        return opening_slice(result, plane)
    return round(plane.point(review.lesions[0]["centroid"])[0])


def _slice(blob: Blob, image: Image, plane: Plane, index: int) -> NDArray[np.uint8]:
    with blob_open(blob) as content:
        return read_slice(content, image.shape, "uint8", plane, index)


def _grey(image: Image, plane: Plane, index: int) -> NDArray[np.uint8]:
    with blob_open(image.pixels) as content:
        stored = read_slice(content, image.shape, image.dtype, plane, index)
    values = stored * image.facts.get("slope", 1) + image.facts.get("intercept", 0)
    return apply_window(values, *default_window(image))


def _jpeg(array: NDArray[np.uint8]) -> bytes:
    sink = io.BytesIO()
    Picture.fromarray(array).save(sink, "JPEG", quality=JPEG_QUALITY)
    return sink.getvalue()
