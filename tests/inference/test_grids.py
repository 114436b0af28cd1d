"""Resizing: the pixel-centre rule by hand, and the two libraries' agreement."""

import cv2
import numpy as np
import pytest

from imaging.inference.grids import axis_weights, resample, resize_image, resize_map

RNG = np.random.default_rng(3)


def test_two_pixels_become_four_by_the_pixel_centre_rule():
    # x_src = (x_dst + ½)·2/4 - ½ = -0.25, 0.25, 0.75, 1.25, the ends held
    row = resize_map(np.array([[0, 1]], dtype=np.float32), (1, 4))
    assert row.tolist() == [[0, 0.25, 0.75, 1]]


def test_shrinking_averages_by_area():
    row = resize_image(np.array([[0, 3, 6]], dtype=np.float32), (1, 2))
    # each target pixel covers one and a half: (0 + 3/2)/1.5 and (3/2 + 6)/1.5
    assert row[0] == pytest.approx([1, 5])


def test_an_axis_that_shrinks_and_one_that_grows_each_follow_their_rule():
    image = RNG.random((64, 10), dtype=np.float32)
    once = resize_image(image, (16, 20))
    shrunk = image.reshape(16, 4, 10).mean(axis=1)
    assert once == pytest.approx(cv2.resize(shrunk, (20, 16)), abs=1e-6)


@pytest.mark.parametrize(("size", "how"), [((37, 23), "area"), ((141, 190), "linear")])
def test_volumes_and_pictures_are_resized_alike(size, how):
    plane = RNG.random((80, 60), dtype=np.float32)
    volume = np.stack([plane] * 3)
    assert resize_image(volume, (3, *size))[1] == pytest.approx(resize_image(plane, size), abs=1e-5)
    assert resize_map(volume, (3, *size))[1] == pytest.approx(resize_map(plane, size), abs=1e-5)


@pytest.mark.parametrize("area", [True, False])
@pytest.mark.parametrize(
    ("source", "target", "step"), [(7, 3, 7 / 3), (5, 12, 5 / 12), (1, 4, 0.25), (10, 6, 2.0)]
)
def test_every_row_of_weights_sums_to_one(source, target, step, area):
    weights = axis_weights(source, target, step, area=area)
    assert weights.shape == (target, source)
    assert weights.sum(axis=1) == pytest.approx(np.ones(target), abs=1e-6)
    assert (weights >= 0).all()


def test_resampling_keeps_the_outer_edge():
    ramp = np.arange(12, dtype=np.float32).reshape(1, 1, 12)
    out = resample(ramp, (1, 1, 4), (1, 1, 3.0), area=True)
    assert out.ravel().tolist() == [1, 4, 7, 10]
