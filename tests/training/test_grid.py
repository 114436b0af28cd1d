"""The way to the network's grid and back."""

import numpy as np
import pytest

from training.grid import quantise, resize_image, scale_percentiles, to_image, to_network


def test_shrinking_averages_areas():
    image = np.array([[0, 4], [8, 4]], np.float32).repeat(2, axis=0).repeat(2, axis=1)
    assert resize_image(image, 2).tolist() == [[0, 4], [8, 4]]
    assert resize_image(image, 1).tolist() == [[4]]


def test_percentiles_are_clipped_and_scaled():
    image = np.arange(101, dtype=np.float32)[None]
    scaled = scale_percentiles(image, (10, 90))[0]
    assert scaled[:11].max() == 0
    assert scaled[90:].min() == 1
    assert scaled[50] == pytest.approx(0.5)


def test_a_flat_image_becomes_zero():
    assert to_network(np.full((8, 8), 7, np.uint8), 4, (1, 99)).tolist() == [[0.0] * 4] * 4


def test_scale_and_offset_of_the_stored_values_do_not_matter():
    image = np.random.default_rng(1).integers(0, 255, (40, 50)).astype(np.uint8)
    eight, sixteen = (to_network(x, 32, (1, 99)) for x in (image, image.astype(np.uint16) * 257))
    assert np.abs(eight - sixteen).max() < 1e-5


def test_a_square_comes_back_where_it_was():
    image = np.zeros((97, 301), np.float32)
    image[20:60, 100:220] = 1
    back = to_image(resize_image(image, 64), image.shape) >= 0.5
    overlap, union = (back & (image > 0)).sum(), (back | (image > 0)).sum()
    assert overlap / union > 0.95


def test_quantise_rounds_half_up():
    assert quantise(np.array([0, 0.3, 0.5, 1], np.float32)).tolist() == [0, 77, 128, 255]
