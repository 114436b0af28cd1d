"""The pictures of one result for print, drawn from the stored pixels and maps."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from accounts.models import Blob
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
from reports.answer_pictures import answer_pictures
from reports.content import Pictures

JPEG_QUALITY = 88
PRINT_SIDE = 1024


def result_pictures(result: Result) -> Pictures:
    """Draw original, mask and heat at the threshold that counts; a volume by its largest slice."""
    if not result.is_measured:
        return answer_pictures(result)
    image, plane = result.image, first_plane(image_planes(result.image))
    index, (kept, level) = opening_slice(result, plane), _standing(result)
    levels, grey = _slice(_map(result), image, plane, index), _grey(image, plane, index)
    cut = levels if kept == _map(result) else _slice(kept, image, plane, index)
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


def mask_file(result: Result) -> tuple[str, bytes]:
    """Return (ending, content) of the binary mask at the threshold that counts, on its own grid.

    A picture gives a PNG of 1 bit, a volume a NIfTI of 0 and 1 on the original affine.
    """
    image, facts, (kept, level) = result.image, result.image.facts, _standing(result)
    with blob_open(kept) as content:
        if image.depth == 1:
            (levels,) = _stored_slices(content, image)
            return "png", encode_png(levels >= level, level=1)
        masks = (levels >= level for levels in _stored_slices(content, image))
        return "nii.gz", encode_nifti(
            masks, image.shape, affine=facts.get("affine"), spacing=facts.get("spacing_mm")
        )


def _standing(result: Result) -> tuple[Blob, int]:
    """Return what holds the mask, and from which level on: the reader's, else the result's own."""
    review = latest_review(result)
    if review is not None and review.row is not None and review.mask is not None:
        return review.mask, 1
    return _map(result), cut_of(result, review).level


def _map(result: Result) -> Blob:
    return result.maps.select_related("blob").get(name="ensemble").blob


def _slice(blob: Blob, image: Image, plane: Plane, index: int) -> NDArray[np.uint8]:
    with blob_open(blob) as content:
        return read_slice(content, image.shape, "uint8", plane, index)


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
