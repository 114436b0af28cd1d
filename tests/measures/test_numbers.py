import numpy as np
import pytest

from imaging.measures.numbers import half_up, rounded


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


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.825, "0.83"), (0.005, "0.01"), (-0.125, "-0.13"), (0.8249999, "0.82"), (3, "3.00"),
     (1e-7, "0.00")],
)  # fmt: skip
def test_what_is_printed_is_rounded_half_up(value, text):
    assert half_up(value) == text
