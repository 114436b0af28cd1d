import numpy as np
import pytest

from imaging.measures.ranges import around, sensitivity_ranges
from tests.measures.factories import box_mask


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [(0.5, (0.4, 0.6)), (0.1, (0.2,)), (0.95, (0.85,)), (0.3, (0.2, 0.4))],
)
def test_a_tenth_to_either_side_as_far_as_it_is_a_threshold(threshold, expected):
    assert around(threshold) == expected


def test_a_square_of_ten_loses_and_gains_a_rim():
    mask = box_mask((1, 30, 30), (0, 5, 5), (1, 15, 15))
    found = sensitivity_ranges(0.5, {102: 120, 153: 90}, mask, None, 900)
    assert found["thresholds"] == [
        {"t": 0.4, "area_px": 120, "area_text": "13.33 %"},
        {"t": 0.6, "area_px": 90, "area_text": "10.00 %"},
    ]
    assert (found["eroded_px"], found["dilated_px"]) == (64, 140)
    assert (found["eroded_text"], found["dilated_text"]) == ("7.11 %", "15.56 %")


def test_the_edge_of_the_picture_takes_nothing():
    whole = np.ones((1, 8, 8), dtype=bool)
    assert sensitivity_ranges(1.0, {230: 9}, whole, None, 64)["eroded_px"] == 64


def test_only_what_lies_inside_the_denominator_counts():
    mask = box_mask((1, 30, 30), (0, 5, 5), (1, 15, 15))
    region = box_mask((1, 30, 30), (0, 0, 0), (1, 30, 10))
    found = sensitivity_ranges(0.5, {102: 0, 153: 0}, mask, region, 300)
    assert (found["eroded_px"], found["dilated_px"]) == (32, 70)
