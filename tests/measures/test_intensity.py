import numpy as np
import pytest

from imaging.measures.intensity import (
    census,
    census_by_stop,
    described,
    finite_pixels,
    intensity_range,
    real_values,
)
from imaging.types import Volume
from tests.measures.factories import picture


def volume_of(array, **more):
    return Volume(np.asarray(array)[None] if np.ndim(array) == 2 else np.asarray(array), **more)


def test_numbers_worked_by_hand():
    found = described(census(np.array([10, 20, 30, 60], np.uint8), picture()), (0, 255))
    assert (found.mean, found.p50, found.average) == (30, 25, 30)
    assert found.sd == pytest.approx(350**0.5)
    assert (found.p10, found.p90) == (pytest.approx(13), pytest.approx(51))


@pytest.mark.parametrize(
    "stored",
    [
        np.random.default_rng(0).integers(0, 256, 500).astype(np.uint8),
        np.random.default_rng(0).integers(-1000, 3000, 500).astype(np.int16),
        np.random.default_rng(0).integers(0, 65536, 500).astype(np.uint16),
        np.random.default_rng(0).integers(-(2**31), 2**31 - 1, 500).astype(np.int32),
        np.random.default_rng(0).normal(3, 40, 500).astype(np.float32),
    ],
    ids=lambda array: str(array.dtype),
)
@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (0.5, -1024), (-2, 7)])
def test_every_type_is_described_as_numpy_would(stored, slope, intercept):
    volume = volume_of(stored.reshape(1, 20, 25), slope=slope, intercept=intercept)
    x = stored.astype(np.float64) * slope + intercept
    lo, hi = np.percentile(x, (10, 80))
    found = described(census(stored, volume), (lo, hi))
    assert found.mean == pytest.approx(x.mean())
    assert found.sd == pytest.approx(x.std())
    percentiles = [found.p10, found.p50, found.p90]
    assert percentiles == pytest.approx(np.percentile(x, (10, 50, 90)).tolist())
    assert found.average == pytest.approx((255 * np.clip((x - lo) / (hi - lo), 0, 1)).mean())


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_each_stop_counts_the_pixels_that_reach_it(dtype):
    stored = np.array([5, 6, 7, 8, 9], dtype)
    stops = np.array([1, 3, 2, 1, 3], np.uint8)
    found = census_by_stop(stored, stops, 4, picture())
    means = [described(taken, None) for taken in found]
    assert [taken and taken.mean for taken in means] == [7, pytest.approx(22 / 3), 7.5, None]


def test_no_pixel_is_described_as_nothing():
    assert described(census(np.zeros(0, np.uint8), picture()), (0, 255)) is None


def test_values_beyond_the_range_are_clipped_in_the_average_only():
    found = described(census(np.array([-5000, 0, 5000], np.int16), picture()), (-1000, 1000))
    assert found.average == pytest.approx(127.5)
    assert found.mean == 0


def test_one_grey_value_in_the_picture_leaves_no_average():
    assert described(census(np.array([4, 4]), picture()), (4, 4)).average is None


def test_real_values_are_rescaled():
    volume = picture(slope=2.0, intercept=-1000.0)
    assert real_values(np.array([0, 10], np.int16), volume).tolist() == [-1000, -980]


def test_padding_and_what_is_not_finite_are_left_out():
    array = np.array([[1.0, np.nan], [np.inf, -2000.0]], np.float32)
    assert finite_pixels(volume_of(array, padding=-2000.0))[0].tolist() == [
        [True, False],
        [False, False],
    ]
    assert finite_pixels(picture()) is None
    assert finite_pixels(picture(padding=7)) is None


def test_an_eight_bit_raster_is_shown_from_0_to_255():
    assert intensity_range(picture(modality="CT"), None) == (0, 255)


def test_ct_is_shown_from_minus_1000_to_1000_hounsfield_units():
    volume = volume_of(np.zeros((2, 2), np.int16), modality="CT", unit="HU")
    assert intensity_range(volume, None) == (-1000, 1000)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("slope", [1.0, -0.5])
def test_others_are_shown_between_their_own_percentiles(dtype, slope):
    array = np.random.default_rng(1).integers(0, 4000, (50, 50)).astype(dtype)
    volume = volume_of(array, modality="MR", slope=slope)
    expected = np.percentile(array * np.float64(slope), (0.5, 99.5))
    assert intensity_range(volume, None) == pytest.approx(tuple(expected))


def test_the_percentiles_leave_padding_out():
    array = np.full((20, 20), 5000, np.uint16)
    array[5:] = 0
    volume = volume_of(array, padding=0)
    assert intensity_range(volume, finite_pixels(volume)) == (5000, 5000)
