"""The declared steps on small maps drawn by hand."""

import numpy as np
import pytest

from imaging.inference.postprocess import fill_holes, largest_components, postprocess
from imaging.measures.probability import quantise
from imaging.measures.threshold import threshold_level
from tests.inference.factories import card


def drawn(*rows, key=None):
    values = {".": 0.0, "f": 0.1, "h": 0.4, "X": 0.9, **(key or {})}
    return np.array([[values[c] for c in row] for row in rows], dtype=np.float32)


def test_the_largest_stay_and_an_island_goes_whole():
    p = drawn("XXX...fXf", "XXX...fff", ".........", "XX.......")
    kept = largest_components(p, 0.5, 2)
    assert (kept == drawn("XXX......", "XXX......", ".........", "XX.......")).all()


def test_an_island_that_holds_a_kept_part_loses_only_the_dropped_part():
    p = drawn("XXXfffX", "XXX....")
    assert (largest_components(p, 0.5, 1) == drawn("XXXfff.", "XXX....")).all()


def test_faint_islands_of_their_own_stay():
    p = drawn("XX..f..X")
    assert (largest_components(p, 0.5, 1) == drawn("XX..f...")).all()


def test_corners_join():
    p = drawn("X..", ".X.", "..X")
    assert (largest_components(p, 0.5, 1) == p).all()


def test_of_two_alike_the_first_stays():
    assert largest_components(drawn("X.X.XX"), 0.5, 2).tolist()[0] == drawn("X...XX")[0].tolist()


@pytest.mark.parametrize("t", [0.05, 0.3, 0.35, 0.5, 0.9, 1.0])
def test_a_filled_hole_is_inside_when_it_is_stored(t):
    p = np.full((7, 7), 1.0, dtype=np.float32)
    p[3, 3] = 0.01
    filled = fill_holes(p, t)
    assert quantise(filled)[3, 3] >= threshold_level(t)
    assert np.delete(filled.ravel(), 24).min() == 1


def test_a_bay_is_no_hole_and_a_higher_p_stays():
    p = drawn("XXX", "Xh.", "XXX")
    assert (fill_holes(p, 0.5) == p).all()
    closed = drawn("XXXX", "XhXX", "XXXX")
    assert fill_holes(closed, 0.5)[1, 1] == pytest.approx(128 / 255)


def test_volumes_join_over_26_neighbours_and_fill_in_three_dimensions():
    p = np.zeros((3, 3, 3), dtype=np.float32)
    p[0, 0, 0] = p[1, 1, 1] = p[2, 2, 2] = 1
    assert (largest_components(p, 0.5, 1) == p).all()
    shell = np.ones((3, 3, 3), dtype=np.float32)
    shell[1, 1, 1] = 0
    assert fill_holes(shell, 0.5)[1, 1, 1] >= 0.5
    shell[1, 1, 0] = 0
    assert fill_holes(shell, 0.5)[1, 1, 1] == 0


def test_steps_run_in_their_order_on_each_map_alone(tmp_path):
    steps = [{"op": "largest_components", "count": 1}, {"op": "fill_holes"}]
    metadata = card(tmp_path, postprocess=steps)
    one = drawn("XXX.X", "X.X..", "XXX..")
    both = postprocess(np.stack([one, one[::-1]]), metadata)
    assert both[0, 1, 1] >= 0.5
    assert both[0, 0, 4] == 0
    assert (both[1] == both[0][::-1]).all()
    assert (postprocess(one[None], card(tmp_path)) == one).all()
