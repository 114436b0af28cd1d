"""Intensity steps, worked by hand."""

import numpy as np
import pytest

from imaging.inference.intensity import apply_intensity


def run(values, *steps, normalize=False, eight_bit=False):
    array = np.asarray(values, dtype=np.float32)[None]
    done = apply_intensity(array, steps, normalize=normalize, eight_bit=eight_bit)
    assert done.dtype == np.float32
    return done[0].tolist()


def test_eight_bits_are_divided_by_255():
    assert run([0, 51, 255], normalize=True, eight_bit=True) == pytest.approx([0, 0.2, 1])


def test_other_depths_run_from_their_own_percentiles():
    values = np.arange(1001)
    done = run(values, normalize=True)
    assert done[5] == 0  # P0.5 is 5
    assert done[995] == 1  # P99.5 is 995
    assert done[500] == pytest.approx(0.5)


def test_without_normalize_values_stay_as_stored():
    assert run([0, 300]) == [0, 300]


def test_steps_replace_normalize():
    step = {"op": "scale", "from": (0, 10), "to": (0, 1), "clip": False}
    assert run([0, 20], step, normalize=True, eight_bit=True) == [0, 2]


def test_scale_clips_to_its_range_when_it_says_so():
    step = {"op": "scale", "from": (-1000, 400), "to": (0, 1), "clip": True}
    assert run([-1100, -300, 400, 900], step) == pytest.approx([0, 0.5, 1, 1])
    turned = {"op": "scale", "from": (0, 10), "to": (1, 0), "clip": True}
    assert run([-5, 0, 5, 15], turned) == pytest.approx([1, 1, 0.5, 0])


def test_a_window_is_its_width_about_its_center():
    step = {"op": "window", "center": 40, "width": 400}
    assert run([-160, 40, 240, 999], step) == pytest.approx([0, 0.5, 1, 1])


def test_percentiles_are_those_of_the_array_received():
    step = {"op": "percentile", "low": 25, "high": 75}
    assert run([0, 1, 2, 3, 4], step) == pytest.approx([0, 0, 0.5, 1, 1])
    doubled = {"op": "scale", "from": (0, 1), "to": (0, 2), "clip": False}
    assert run([0, 1, 2, 3, 4], doubled, step) == pytest.approx([0, 0, 0.5, 1, 1])


def test_a_flat_picture_is_all_zero():
    assert run([7, 7], {"op": "percentile", "low": 1, "high": 99}) == [0, 0]
    assert run([7, 7], normalize=True) == [0, 0]
    zscore = {"op": "zscore", "mean": "image", "std": "image", "nonzero": False}
    assert run([7, 7], zscore) == [0, 0]


def test_zscore_of_the_image_and_of_numbers():
    image = {"op": "zscore", "mean": "image", "std": "image", "nonzero": False}
    assert run([1, 3], image) == [-1, 1]
    numbers = {"op": "zscore", "mean": 10, "std": 2, "nonzero": False}
    assert run([10, 14], numbers) == [0, 2]


def test_zscore_of_what_is_not_zero_leaves_zeros_alone():
    step = {"op": "zscore", "mean": "image", "std": "image", "nonzero": True}
    assert run([0, 1, 3, 0], step) == [0, -1, 1, 0]
    assert run([0, 0], step) == [0, 0]


def test_numbers_per_channel_make_channels():
    step = {"op": "zscore", "mean": [0, 1], "std": [1, 2], "nonzero": False}
    array = np.array([[[3.0]]], dtype=np.float32)
    done = apply_intensity(array, [step], normalize=False, eight_bit=False)
    assert done.tolist() == [[[3]], [[1]]]
