"""From outputs to probabilities."""

import numpy as np
import pytest

from imaging.inference.activation import activate, sigmoid
from imaging.types import InferenceError
from tests.inference.factories import card

TWO = {"output_shape": [None, 2, 16, 16], "labels": {"0": "background", "1": "spot"}}


def output(*values):
    """Return (1, K, 1, 1)."""
    return np.array(values, dtype=np.float32).reshape(1, -1, 1, 1)


def test_sigmoid_and_temperature(tmp_path):
    metadata = card(tmp_path, activation="sigmoid")
    assert activate(output(0.0), metadata, (1, 1)).item() == 0.5
    hot = card(tmp_path, activation="sigmoid", temperature=2)
    assert activate(output(2 * np.log(3)), hot, (1, 1)).item() == pytest.approx(0.75)


def test_sigmoid_does_not_overflow():
    with np.errstate(all="raise"):
        assert sigmoid(np.array([-200, 200], dtype=np.float32)).tolist() == [0, 1]


def test_softmax_sums_to_one_however_large(tmp_path):
    metadata = card(tmp_path, activation="softmax", **TWO)
    p = activate(output(1000, 1000 + np.log(3)), metadata, (1, 1))
    assert p.ravel() == pytest.approx([0.25, 0.75], abs=1e-4)


def test_declared_probabilities_are_checked_then_clipped(tmp_path):
    metadata = card(tmp_path)
    assert activate(output(-0.0009), metadata, (1, 1)).item() == 0
    assert activate(output(1.0009), metadata, (1, 1)).item() == 1
    with pytest.raises(InferenceError, match=r"declares probabilities, returned -3\.1…-3\.1"):
        activate(output(-3.1), metadata, (1, 1))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_refused(tmp_path, bad):
    with pytest.raises(InferenceError, match=r"Model “one” 1\.0\.0 returned values that"):
        activate(output(bad), card(tmp_path), (1, 1))


def test_other_channels_and_grids_are_refused_with_both(tmp_path):
    with pytest.raises(InferenceError, match=r"shape \[1, 2, 1, 1\].*declares 1 channel"):
        activate(output(0, 1), card(tmp_path), (1, 1))
    with pytest.raises(InferenceError, match=r"grid of \[1, 1\], its input was \[2, 2\]"):
        activate(output(0), card(tmp_path), (2, 2))
