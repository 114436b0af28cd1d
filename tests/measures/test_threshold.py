import pytest

from imaging.measures.threshold import GRID, nested_dice, threshold_level, thresholds_around


@pytest.mark.parametrize(
    ("threshold", "level"),
    [(0.10, 26), (0.20, 51), (0.30, 77), (0.45, 115), (0.50, 128), (0.90, 230), (1, 255),
     (0.001, 1), (1e-12, 1), (1 / 255, 1), (2 / 255, 2)],
)  # fmt: skip
def test_levels_worked_by_hand(threshold, level):
    assert threshold_level(threshold) == level


@pytest.mark.parametrize("threshold", [0, -0.1, 1.0001, float("nan"), float("inf")])
def test_what_is_no_threshold_is_refused(threshold):
    with pytest.raises(ValueError, match="threshold"):
        threshold_level(threshold)


@pytest.mark.parametrize(
    ("px", "other", "dice"),
    [(100, 100, 1), (50, 150, 0.5), (150, 50, 0.5), (0, 7, 0), (0, 0, None)],
)
def test_the_dice_of_two_cuts_of_one_map_follows_from_their_sizes(px, other, dice):
    assert nested_dice(px, other) == dice


def test_the_grid_is_nineteen_steps_of_five_hundredths():
    assert tuple(round(0.05 * step, 2) for step in range(1, 20)) == GRID


def test_the_operating_threshold_joins_the_grid_in_its_place():
    found = thresholds_around(0.42)
    assert len(found) == 20
    assert list(found) == sorted(found)
    assert 0.42 in found


@pytest.mark.parametrize("threshold", [0.5, 0.1 + 0.2, 0.7000000000000001])
def test_a_threshold_on_the_grid_is_not_there_twice(threshold):
    assert thresholds_around(threshold) == GRID


def test_a_refused_threshold_has_no_table():
    with pytest.raises(ValueError, match="threshold"):
        thresholds_around(0)
