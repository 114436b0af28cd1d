import re

import numpy as np
import pytest

from imaging.measures.components import split
from imaging.measures.intensity import finite_pixels, intensity_range
from imaging.measures.lesions import Setting, lesion_facts
from imaging.measures.region import region_of
from imaging.measures.severity import Rule
from imaging.types import Volume
from tests.measures.factories import box_mask, calibrated, map_of, picture


def facts_of(mask, volume, organ=None, roundness=0.5):
    region = region_of(volume, organ)
    valid = finite_pixels(volume)
    here = Setting(volume, region, valid, intensity_range(volume, valid), Rule.default(region.name))
    (part,) = split(map_of(mask), 128, 1).parts
    return lesion_facts(1, part, roundness, here)


def ramp(shape=(20, 20)):
    return np.tile(np.arange(shape[1], dtype=np.uint8) * 10, (shape[0], 1))[None]


def test_a_rectangle_worked_by_hand():
    found = facts_of(box_mask((20, 20), (4, 6), (8, 12)), picture(array=ramp()))
    assert found["label"] == "L1"
    assert (found["px"], found["area_percent"]) == (24, 6.0)
    assert found["centroid"] == [0, 5.5, 8.5]
    assert found["box"] == [0, 4, 6, 1, 8, 12]
    assert (found["mean"], found["average_intensity"]) == (85, 85)
    assert found["sd"] == pytest.approx(17.078251)
    assert found["equivalent_diameter"] == pytest.approx(2 * (24 / np.pi) ** 0.5)
    assert found["maximum_diameter"] == pytest.approx(34**0.5)
    assert (found["unit"], found["touches_border"]) == ("px", False)
    assert set(found["reasons"]) == {"area_mm2", "volume_ml"}


def test_millimetres_of_a_calibrated_picture():
    volume = calibrated(ramp(), (1.0, 0.5, 0.2))
    found = facts_of(box_mask((20, 20), (4, 6), (8, 12)), volume)
    assert found["area_mm2"] == pytest.approx(2.4)
    assert found["unit"] == "mm"
    assert found["maximum_diameter"] == pytest.approx((1.5**2 + 1) ** 0.5)


def test_a_volume_has_millilitres_and_no_square_millimetres():
    volume = calibrated(np.zeros((6, 20, 20), np.int16), (5.0, 2.0, 1.0))
    found = facts_of(box_mask((6, 20, 20), (1, 4, 6), (4, 8, 12)), volume)
    assert found["volume_ml"] == pytest.approx(72 * 10 / 1000)
    assert found["area_mm2"] is None
    assert found["reasons"]["area_mm2"] == "A volume is measured in millilitres."
    assert found["equivalent_diameter"] == pytest.approx(2 * (3 * 720 / (4 * np.pi)) ** (1 / 3))


def test_uneven_slices_give_no_millilitres_and_say_so():
    volume = calibrated(np.zeros((6, 20, 20), np.int16), affine=None)
    found = facts_of(box_mask((6, 20, 20), (1, 4, 6), (4, 8, 12)), volume)
    assert found["volume_ml"] is None
    assert found["reasons"]["volume_ml"] == "The places of the slices are not known."


@pytest.mark.parametrize(
    ("first", "last", "touches"),
    [((0, 5), (4, 9), True), ((5, 16), (9, 20), True), ((16, 5), (20, 9), True),
     ((1, 1), (19, 19), False)],
)  # fmt: skip
def test_the_outer_row_and_column_are_the_border(first, last, touches):
    found = facts_of(box_mask((20, 20), first, last), picture(array=ramp()))
    assert found["touches_border"] is touches


def test_the_outer_slice_of_a_volume_is_a_border_and_the_only_slice_of_a_picture_is_not():
    volume = Volume(np.zeros((6, 20, 20), np.int16))
    assert facts_of(box_mask((6, 20, 20), (3, 4, 4), (6, 8, 8)), volume)["touches_border"]
    assert not facts_of(box_mask((6, 20, 20), (2, 4, 4), (5, 8, 8)), volume)["touches_border"]


@pytest.mark.parametrize(("column", "touches"), [(5, True), (6, False)])
def test_padding_is_a_border_even_at_a_corner(column, touches):
    array = np.full((1, 20, 20), 50, np.int16)
    array[0, :5, :5] = -2000
    found = facts_of(box_mask((20, 20), (5, column), (9, 12)), Volume(array, padding=-2000))
    assert found["touches_border"] is touches


def test_padding_has_no_intensity():
    array = np.full((1, 20, 20), 50, np.int16)
    array[0, 4] = -2000
    found = facts_of(box_mask((20, 20), (4, 6), (8, 12)), Volume(array, padding=-2000))
    assert (found["px"], found["mean"]) == (24, 50)
    assert found["average_intensity"] is None
    assert found["reasons"]["average_intensity"] == "The picture has one value only."


def test_a_lesion_on_padding_only_has_no_intensity_and_says_so():
    array = np.full((1, 20, 20), 50, np.int16)
    array[0, 4:8] = -2000
    found = facts_of(box_mask((20, 20), (4, 6), (8, 12)), Volume(array, padding=-2000))
    assert found["mean"] is None
    assert found["reasons"]["mean"] == "No pixel in it has a value."


def test_the_share_counts_what_lies_inside_the_denominator():
    organ = box_mask((1, 20, 20), (0, 0, 0), (1, 20, 9))
    found = facts_of(box_mask((20, 20), (4, 6), (8, 12)), picture(array=ramp()), organ)
    assert found["px"] == 24
    assert found["area_percent"] == pytest.approx(100 * 12 / 180, abs=0.005)


def test_a_lesion_outside_the_denominator_has_no_share():
    organ = box_mask((1, 20, 20), (0, 0, 0), (1, 20, 5))
    found = facts_of(box_mask((20, 20), (4, 6), (8, 12)), picture(array=ramp()), organ)
    assert found["area_percent"] is None
    assert "outside" in found["reasons"]["area_percent"]


def test_a_single_pixel_has_no_maximum_diameter():
    found = facts_of(box_mask((20, 20), (4, 6), (5, 7)), picture(array=ramp()), roundness=None)
    assert found["maximum_diameter"] is None
    assert set(found["reasons"]) >= {"maximum_diameter", "circularity"}


def test_each_measurement_has_a_fresh_tracking_uid():
    mask, volume = box_mask((20, 20), (4, 6), (8, 12)), picture(array=ramp())
    first, second = (facts_of(mask, volume)["tracking_uid"] for _ in range(2))
    assert re.fullmatch(r"2\.25\.[1-9]\d{0,38}", first)
    assert first != second
