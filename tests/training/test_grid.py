"""What the network is shown of a radiograph."""

import numpy as np
import pytest

from training.grid import scale_percentiles, to_network


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
    assert eight.shape == (32, 32)
    assert np.abs(eight - sixteen).max() < 1e-5
