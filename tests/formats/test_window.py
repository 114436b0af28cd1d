"""Grey levels for the eye, by the numbers of PS3.3 C.11.2.1.2.1."""

import numpy as np
import pytest

from imaging.formats.window import (
    apply_window,
    default_window,
    levels,
    window_between,
    window_slice,
)
from imaging.types import Volume


def volume(values, dtype=np.int16, **fields) -> Volume:
    return Volume(array=np.asarray(values, dtype).reshape(1, 1, -1), **fields)


@pytest.mark.parametrize(
    ("value", "center", "width", "grey"),
    [
        # the examples of the standard: c=2048, w=4096 runs from 0 to 4095
        (0, 2048, 4096, 0),
        (4095, 2048, 4096, 255),
        (2047.5, 2048, 4096, 128),
        (-1, 2048, 4096, 0),
        (5000, 2048, 4096, 255),
        # c=0, w=100: black up to -50, white from 49
        (-50, 0, 100, 0),
        (49, 0, 100, 255),
        (48, 0, 100, 252),
        # c=0, w=1: a step at -0.5
        (-0.5, 0, 1, 0),
        (0, 0, 1, 255),
        # 8 bits through the full window are themselves
        (0, 128, 256, 0),
        (77, 128, 256, 77),
        (255, 128, 256, 255),
    ],
)
def test_the_linear_window_of_the_standard(value, center, width, grey):
    assert apply_window(np.array([value]), center, width).tolist() == [grey]


def test_the_window_never_falls_as_values_rise():
    grey = apply_window(np.linspace(-3000, 3000, 5001), 40, 400).astype(int)
    assert (np.diff(grey) >= 0).all()


@pytest.mark.parametrize(("center", "width"), [(0, 0), (0, -5), (np.nan, 10), (0, np.inf)])
def test_an_impossible_window_raises(center, width):
    with pytest.raises(ValueError, match="window"):
        apply_window(np.zeros(3), center, width)


def test_the_first_window_is_the_files_own_then_that_of_ct_then_the_percentiles():
    values = np.arange(1000)
    ct = {"modality": "CT", "unit": "HU"}
    assert default_window(volume(values, window=(10.0, 20.0), **ct)) == (10.0, 20.0)
    assert default_window(volume(values, **ct)) == (40.0, 400.0)
    assert default_window(volume(values)) == window_between(9, 989)
    assert default_window(volume(values, modality="CT")) == window_between(9, 989)


def test_window_between_maps_its_ends_to_black_and_white():
    center, width = window_between(0.25, 0.75)
    grey = apply_window(np.array([0.25, 0.5, 0.75]), center, width)
    assert grey.tolist() == [0, 128, 255]


def test_levels_are_real_values_without_padding():
    values = [-2000] * 50 + list(range(100))
    found = levels(volume(values, padding=-2000.0, slope=2.0, intercept=-1000.0))
    assert (found.minimum, found.maximum) == (-1000, -802)
    assert (found.low, found.high) == (-1000, -804)


def test_levels_of_a_negative_slope_stay_in_order():
    found = levels(volume(range(100), slope=-1.0))
    assert (found.minimum, found.low, found.high, found.maximum) == (-99, -98, 0, 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.int32, np.float32])
def test_percentiles_agree_with_numpy(dtype):
    values = np.random.default_rng(3).gamma(2, 20, 40_000).astype(dtype)
    found = levels(volume(values, dtype))
    low, high = np.percentile(values.astype(float), [1, 99], method="inverted_cdf")
    step = (found.maximum - found.minimum) / 65_535 if dtype == np.float32 else 0
    assert found.low == pytest.approx(low, abs=step)
    assert found.high == pytest.approx(high, abs=step)


def test_a_wide_range_of_integers_is_binned():
    values = np.array([-(2**31), 0, 2**31 - 1], np.int32)
    assert levels(volume(values, np.int32)).maximum == 2**31 - 1


def test_nothing_valid_gives_zeros_and_a_flat_picture_gives_a_window():
    assert levels(volume([5, 5], padding=5.0)).maximum == 0
    assert default_window(volume([7, 7, 7]))[1] >= 1
    assert levels(volume([np.nan, 1.0, 3.0], np.float32)).maximum == 3


@pytest.mark.parametrize("slope", [1.0, 2.5, -1.0, -0.5])
def test_a_slice_is_windowed_in_real_values(slope):
    picture = volume(range(-500, 500), slope=slope, intercept=30.0, window=(40.0, 400.0))
    real = picture.array[0].astype(float) * slope + 30
    assert np.abs(window_slice(picture).astype(int) - apply_window(real, 40, 400)).max() <= 1
