"""The pictures of one result for print, drawn from the stored pixels and maps."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from accounts.vault.reading import BlobReader
from accounts.vault.storage import blob_open
from imaging import layers
from imaging.display import default_window, image_planes, opening_slice
from imaging.formats.nifti_mask import encode_nifti
from imaging.formats.png import encode_png
from imaging.formats.window import apply_window
from imaging.models import Image, Result
from imaging.palettes import heat_over
from imaging.planes import Plane, first_plane, read_slice, square_size
from imaging.review_page import cut_of
from imaging.services.reviews import latest_review
from reports.content import Pictures

JPEG_QUALITY = 88
PRINT_SIDE = 1024


def result_pictures(result: Result) -> Pictures:
    """Draw original, mask and heat at the threshold that counts; a volume by its largest slice."""
    image, plane, level = result.image, first_plane(image_planes(result.image)), level_of(result)
    index = opening_slice(result, plane)
    levels, grey = _levels(result, plane, index), _grey(image, plane, index)
    step = max(1, -(-max(grey.shape) // PRINT_SIDE))
    small, shown = layers.shrink(grey, step), layers.thin(levels, step)
    square = square_size(plane)
    if square != plane.shape[1:]:
        size = layers.within(square, PRINT_SIDE)
        small, shown = layers.squared(small, size, smooth=True), layers.squared(shown, size)
    heat = heat_over(small, shown)
    heat[layers.outline_layer(shown, level, width=2)[..., 3] > 0] = layers.OUTLINE
    return Pictures(_jpeg(small), encode_png(shown >= level, level=1), _jpeg(heat))


def mask_file(result: Result) -> tuple[str, bytes]:
    """Return (ending, content) of the binary mask at the threshold that counts, on its own grid.

    A picture gives a PNG of 1 bit, a volume a NIfTI of 0 and 1 on the original affine.
    """
    image, facts, level = result.image, result.image.facts, level_of(result)
    with _map(result) as content:
        if image.depth == 1:
            (levels,) = _stored_slices(content, image)
            return "png", encode_png(levels >= level, level=1)
        masks = (levels >= level for levels in _stored_slices(content, image))
        return "nii.gz", encode_nifti(
            masks, image.shape, affine=facts.get("affine"), spacing=facts.get("spacing_mm")
        )


def level_of(result: Result) -> int:
    """Return the level of the mask: the reader's where the result was edited, else its own."""
    return cut_of(result, latest_review(result)).level


def _levels(result: Result, plane: Plane, index: int) -> NDArray[np.uint8]:
    with _map(result) as content:
        return read_slice(content, result.image.shape, "uint8", plane, index)


def _map(result: Result) -> BlobReader:
    return blob_open(result.maps.select_related("blob").get(name="ensemble").blob)


def _stored_slices(content: BlobReader, image: Image) -> Iterator[NDArray[np.uint8]]:
    """Yield a map (Z, Y, X) slice by slice, as it is stored."""
    length = image.height * image.width
    for z in range(image.depth):
        data = content.read_range(z * length, (z + 1) * length)
        yield np.frombuffer(data, np.uint8).reshape(image.height, image.width)


def _grey(image: Image, plane: Plane, index: int) -> NDArray[np.uint8]:
    with blob_open(image.pixels) as content:
        stored = read_slice(content, image.shape, image.dtype, plane, index)
    values = stored * image.facts.get("slope", 1) + image.facts.get("intercept", 0)
    return apply_window(values, *default_window(image))


def _jpeg(array: NDArray[np.uint8]) -> bytes:
    sink = io.BytesIO()
    Picture.fromarray(array).save(sink, "JPEG", quality=JPEG_QUALITY)
    return sink.getvalue()
