import json

import numpy as np
import pytest

from imaging.measures.agreement import agreement, member_areas
from imaging.measures.region import region_of
from tests.measures.factories import box_mask, map_of, picture

SHAPE = (40, 50)


def square(row, column, side, value=255):
    return map_of(box_mask(SHAPE, (row, column), (row + side, column + side)), value)


EMPTY = map_of(np.zeros(SHAPE, dtype=bool))


def agreed(maps, threshold=0.5, **more):
    found = agreement(maps, picture(SHAPE), threshold, **more)
    json.dumps(found, allow_nan=False)
    return found


def test_two_members_worked_by_hand():
    found = agreed({"unet": square(5, 5, 10), "segresnet": square(5, 10, 10)})
    assert found["pairwise_dice"] == [{"a": "unet", "b": "segresnet", "dice": 0.5}]
    assert (found["mean_dice"], found["area_range_px"]) == (0.5, [100, 100])
    assert found["area_range_percent"] == [5.0, 5.0]
    assert not found["disagree"]  # a Dice on the cut is not below it


def test_a_pair_below_one_half_disagrees_and_is_named():
    found = agreed({"a": square(5, 5, 10), "b": square(5, 6, 10), "c": square(5, 12, 10)})
    assert found["disagree"]
    assert found["sentence"] == "The models disagree: a and c overlap with a Dice of only 0.30."


def test_one_that_finds_nothing_disagrees_with_one_that_does():
    found = agreed({"a": square(5, 5, 10), "b": EMPTY, "c": square(5, 5, 10)})
    assert found["disagree"]
    assert found["sentence"] == (
        "The models disagree: b finds nothing, a marks 5.00 % of the whole image."
    )


def test_areas_of_more_than_twice_disagree_though_dice_does_not():
    found = agreed({"a": square(5, 5, 10), "b": square(5, 5, 15)})
    assert found["pairwise_dice"][0]["dice"] > 0.5
    assert found["disagree"]
    assert found["sentence"] == "The models disagree: b marks 2.2 times the area of a."


def test_exactly_twice_the_area_is_no_disagreement():
    double = map_of(box_mask(SHAPE, (5, 5), (15, 25)))
    found = agreed({"a": square(5, 5, 10), "b": double})
    assert found["area_range_px"] == [100, 200]
    assert not found["disagree"]


def test_members_that_agree_are_said_to():
    found = agreed({"a": square(5, 5, 10), "b": square(5, 5, 10), "c": square(5, 6, 10)})
    assert not found["disagree"]
    assert found["sentence"] == (
        "The models agree: a and c, the least alike, overlap with a Dice of 0.90."
    )


def test_empty_masks_agree_on_nothing():
    found = agreed({"a": EMPTY, "b": EMPTY})
    assert (found["pairwise_dice"][0]["dice"], found["mean_dice"]) == (None, None)
    assert not found["disagree"]
    assert "none of them finds anything" in found["sentence"]


def test_one_member_has_nobody_to_agree_with():
    assert agreed({"a": square(5, 5, 10)}) is None


def test_the_masks_are_cut_at_the_threshold():
    maps = {"a": square(5, 5, 10, 150), "b": square(5, 5, 10, 250)}
    assert agreed(maps, 0.5)["mean_dice"] == 1
    assert agreed(maps, 0.9)["mean_dice"] == 0


def test_specks_are_in_no_area():
    volume = picture(SHAPE)
    q = np.maximum(square(5, 5, 10), square(30, 30, 2))
    areas = member_areas({"a": q}, volume, 0.5, None, region_of(volume))
    assert areas == {"a": 100}
    assert member_areas({"a": q}, volume, 0.5, 1, region_of(volume)) == {"a": 104}


def test_areas_are_counted_inside_the_denominator():
    organ = box_mask((1, *SHAPE), (0, 0, 0), (1, 40, 10))
    found = agreed({"a": square(5, 5, 10), "b": square(5, 5, 10)}, reference=organ)
    assert found["area_range_px"] == [50, 50]
    assert found["area_range_percent"] == [12.5, 12.5]


def test_a_map_on_another_grid_is_refused_by_name():
    with pytest.raises(ValueError, match="unet"):
        agreement({"unet": EMPTY[:, 1:], "b": EMPTY}, picture(SHAPE), 0.5)
