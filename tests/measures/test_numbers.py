import numpy as np
import pytest

from imaging.measures.numbers import rounded


def test_a_stored_number_is_a_plain_float_of_six_decimals():
    found = rounded(np.float32(1 / 3))
    assert type(found) is float
    assert found == 0.333333


def test_none_stays_none():
    assert rounded(None) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_is_never_stored(value):
    with pytest.raises(ValueError, match="not a number to store"):
        rounded(value)
