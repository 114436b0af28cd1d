"""Average precision and FROC on boxes that can be counted by hand."""

import pytest

from imaging.measures.framing import (
    Drawn,
    average_precision,
    froc,
    mean_average_precision,
)

SQUARE = (0.0, 0.0, 10.0, 10.0)
FAR = (50.0, 50.0, 60.0, 60.0)


def test_all_found_is_one_and_nothing_found_is_zero():
    wanted = {"a": [SQUARE], "b": [FAR]}
    right = {"a": [Drawn(0.9, SQUARE)], "b": [Drawn(0.8, FAR)]}
    assert average_precision(right, wanted) == pytest.approx(1)
    assert mean_average_precision(right, wanted) == pytest.approx(1)
    assert average_precision({}, wanted) == 0
    assert average_precision(right, {"a": []}) is None


def test_one_false_box_between_two_right_ones_by_hand():
    wanted = {"a": [SQUARE], "b": [SQUARE]}
    drawn = {"a": [Drawn(0.9, SQUARE), Drawn(0.8, FAR)], "b": [Drawn(0.7, SQUARE)]}
    # recall 0…0.5 at precision 1 (51 points), 0.51…1 at 2/3 (50 points)
    assert average_precision(drawn, wanted) == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert froc(drawn, wanted)["0.125"] == 0.5
    assert froc(drawn, wanted)["0.5"] == 1.0


def test_a_reference_is_matched_once():
    drawn = {"a": [Drawn(0.9, SQUARE), Drawn(0.8, (1.0, 0.0, 11.0, 10.0))]}
    assert froc(drawn, {"a": [SQUARE]})["0.125"] == 1.0
    assert average_precision(drawn, {"a": [SQUARE, FAR]}) == pytest.approx(51 / 101)


def test_a_loose_box_counts_at_loose_overlaps_only():
    loose = {"a": [Drawn(0.9, (0.0, 0.0, 10.0, 7.0))]}  # IoU 0.7
    wanted = {"a": [SQUARE]}
    assert mean_average_precision(loose, wanted) == pytest.approx(0.5)  # .50 … .70 of ten
