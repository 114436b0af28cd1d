"""The PNG writer, read back by Pillow."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from imaging.formats.png import encode_png


def back(data: bytes) -> np.ndarray:
    with Image.open(BytesIO(data)) as image:
        image.verify()
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image)


@pytest.mark.parametrize("adaptive", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (7, 13), (64, 9), (5, 6, 3), (9, 4, 4), (1, 40, 4)])
def test_every_kind_of_picture_comes_back_unchanged(shape, adaptive):
    array = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    smooth = np.cumsum(array % 3, axis=0).astype(np.uint8)
    for picture in (array, smooth):
        assert np.array_equal(back(encode_png(picture, adaptive=adaptive)), picture)


@pytest.mark.parametrize("shape", [(1, 1), (3, 8), (5, 17)])
def test_a_mask_is_one_bit_per_pixel(shape):
    mask = np.random.default_rng(2).random(shape) < 0.5
    data = encode_png(mask)
    assert data[24] == 1
    assert np.array_equal(back(data), mask)


def test_a_view_that_is_not_contiguous_is_written_as_it_looks():
    array = np.arange(400, dtype=np.uint16).astype(np.uint8).reshape(20, 20)
    assert np.array_equal(back(encode_png(array[::-2, ::3])), array[::-2, ::3])


def test_filters_make_a_smooth_picture_smaller():
    rows, columns = np.mgrid[0:200, 0:200]
    smooth = ((rows * 0.7 + columns * 0.9) % 256).astype(np.uint8)
    assert len(encode_png(smooth)) < 0.7 * len(encode_png(smooth, adaptive=False))


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4), np.uint16),
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((4, 4, 3), bool),
        np.zeros((0, 4), np.uint8),
        np.zeros(4, np.uint8),
    ],
)
def test_what_a_png_cannot_hold_raises(array):
    with pytest.raises(ValueError, match="PNG"):
        encode_png(array)
