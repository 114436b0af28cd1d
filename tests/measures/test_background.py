import numpy as np
import pytest
from scipy import ndimage

from imaging.measures.background import Background, backgrounds, contrast, grow
from imaging.types import Volume
from tests.measures.factories import box_mask, hills


def stops_from(q, levels):
    return sum((q >= level).astype(np.uint8) for level in levels)


def test_a_pixel_grows_to_a_disc_of_five_pixels():
    stops = np.zeros((1, 21, 21), np.uint8)
    stops[0, 10, 10] = 3
    y, x = np.mgrid[-10:11, -10:11]
    assert (grow(stops)[0] == np.where(y**2 + x**2 <= 25, 3, 0)).all()


def test_a_volume_grows_by_one_slice_up_and_down():
    stops = np.zeros((5, 21, 21), np.uint8)
    stops[2, 10, 10] = 1
    assert [int(plane.sum()) for plane in grow(stops)] == [0, 81, 81, 81, 0]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
@pytest.mark.parametrize("with_region", [False, True])
def test_all_stops_at_once_agree_with_each_alone(dtype, with_region):
    q = hills(2, (1, 80, 90))
    array = np.random.default_rng(4).integers(0, 200, q.shape).astype(dtype)
    levels, margin = (100, 140, 180), np.hypot(*np.mgrid[-5:6, -5:6]) <= 5
    region = box_mask(q.shape, (0, 5, 5), (1, 70, 85)) if with_region else None
    volume = Volume(array, slope=0.5, intercept=-3)
    found = backgrounds(volume, stops_from(q, levels), len(levels), region, None)
    for level, behind in zip(levels, found, strict=True):
        outside = ~ndimage.binary_dilation(q[0] >= level, margin)[None]
        x = array[outside if region is None else outside & region] * 0.5 - 3.0
        assert behind.px == x.size > 0
        assert behind.mean == pytest.approx(x.mean())
        assert behind.sd == pytest.approx(x.std())


def test_padding_is_no_background():
    array = np.full((1, 30, 30), 8, np.int16)
    array[:, :10] = -2000
    valid = array != -2000
    found = backgrounds(Volume(array), np.zeros(array.shape, np.uint8), 1, None, valid)
    assert found == [Background(600, 8, 0)]


def test_not_a_number_outside_the_valid_pixels_does_no_harm():
    array = np.full((1, 30, 30), 8, np.float32)
    array[0, 0, 0] = np.nan
    found = backgrounds(Volume(array), np.zeros(array.shape, np.uint8), 1, None, np.isfinite(array))
    assert found[0].mean == 8


def test_ratio_and_z_worked_by_hand():
    ratio, z, *reasons = contrast(30, Background(500, 20, 4))
    assert (ratio, z, reasons) == (1.5, 2.5, ["", ""])


def test_too_little_background_gives_neither():
    ratio, z, why, _ = contrast(30, Background(99, 20, 4))
    assert (ratio, z) == (None, None)
    assert "99 pixels" in why


def test_a_background_of_zero_has_a_z_but_no_ratio():
    ratio, z, why, _ = contrast(30, Background(100, 0, 4))
    assert (ratio, z) == (None, 7.5)
    assert "zero" in why


@pytest.mark.parametrize("value", [0.1, 1e6, 37.3])
def test_a_background_of_one_value_has_a_ratio_but_no_z(value):
    array = np.full((1, 40, 40), value, np.float32)
    behind = backgrounds(Volume(array), np.zeros(array.shape, np.uint8), 1, None, None)[0]
    ratio, z, _, why = contrast(value * 2, behind)
    assert ratio == pytest.approx(2)
    assert z is None
    assert "one value" in why
