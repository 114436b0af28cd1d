import numpy as np
import pytest

from imaging.measures.probability import mask_at, quantise
from imaging.measures.threshold import GRID, threshold_level


@pytest.mark.parametrize(
    ("p", "q"), [(0, 0), (1, 255), (0.5, 128), (0.3, 77), (0.1, 26), (0.001, 0), (0.002, 1)]
)
def test_levels_worked_by_hand(p, q):
    assert quantise(np.array([p], np.float32)).tolist() == [q]


def test_a_map_is_uint8_of_the_same_shape():
    q = quantise(np.zeros((2, 3, 4)))
    assert (q.dtype, q.shape) == (np.uint8, (2, 3, 4))


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_half_is_rounded_up_so_that_p_equal_to_t_is_in_the_mask(threshold):
    p = np.array([threshold], np.float32)
    assert mask_at(quantise(p), threshold_level(threshold)).all()


def test_the_true_cut_lies_within_two_thousandths_of_the_threshold():
    p = np.linspace(0, 1, 200_001, dtype=np.float32)
    q = quantise(p)
    for threshold in GRID:
        cut = p[mask_at(q, threshold_level(threshold))][0]
        assert abs(cut - threshold) <= 0.002


@pytest.mark.parametrize("p", [-0.01, 1.01, np.nan, np.inf])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(ValueError, match=r"0\.\.1"):
        quantise(np.array([0.5, p]))


def test_the_mask_holds_the_level_itself():
    q = np.array([[[127, 128, 129]]], np.uint8)
    assert mask_at(q, 128).tolist() == [[[False, True, True]]]


@pytest.mark.parametrize("level", [0, 256])
def test_a_level_outside_the_map_is_refused(level):
    with pytest.raises(ValueError, match="level"):
        mask_at(np.zeros((1, 2, 2), np.uint8), level)


def test_a_map_of_floats_is_refused():
    with pytest.raises(ValueError, match="uint8"):
        mask_at(np.zeros((1, 2, 2)), 128)
