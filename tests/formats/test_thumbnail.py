"""The small picture for lists."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from imaging.formats.thumbnail import MAX_BYTES, MAX_SIDE, make_thumbnail, shrink
from imaging.types import Volume


def opened(volume: Volume) -> Image.Image:
    data = make_thumbnail(volume)
    assert len(data) <= MAX_BYTES
    image = Image.open(BytesIO(data))
    image.load()
    assert image.mode == "L"
    return image


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((1, 400, 800), (160, 80)),
        ((1, 800, 400), (80, 160)),
        ((1, 161, 161), (160, 160)),
        ((1, 30, 50), (50, 30)),
        ((1, 1, 1), (1, 1)),
        ((1, 5000, 3), (1, 160)),
        ((9, 64, 32), (32, 64)),
    ],
)
def test_no_side_is_longer_than_160(shape, size):
    assert opened(Volume(array=np.zeros(shape, np.uint8))).size == size


def test_noise_fits_too():
    noise = np.random.default_rng(4).integers(0, 256, (1, 600, 600), dtype=np.uint8)
    small = opened(Volume(array=noise[:, ::3, ::3], window=(128.0, 256.0)))
    assert max(small.size) >= 96


def test_the_middle_slice_is_shown_under_the_first_window():
    array = np.zeros((3, 20, 20), np.int16)
    array[1, :, 10:] = 1000
    image = np.asarray(opened(Volume(array=array, window=(500.0, 100.0))))
    assert image[0, 0] == 0
    assert image[0, -1] == 255


def test_a_pixel_is_the_mean_of_its_area():
    grey = np.array([[0, 2, 4, 6], [0, 2, 4, 7]], np.uint8)
    assert shrink(np.vstack([grey, grey]), 2).tolist() == [[1, 5], [1, 5]]
    assert shrink(grey, MAX_SIDE) is grey
