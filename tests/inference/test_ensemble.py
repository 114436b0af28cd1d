"""The weighted mean and the disagreement, from sums alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.inference.ensemble import Tally
from imaging.measures.probability import quantise


def tally(maps, weights):
    found = Tally()
    for p, weight in zip(maps, weights, strict=True):
        found.add(np.asarray(p, dtype=np.float32), weight)
    return found


def test_by_hand():
    found = tally([[0.2, 1.0], [0.6, 0.0]], [0.25, 0.75])
    assert found.mean == pytest.approx([0.5, 0.25])
    # sigma = √(0.25·0.09 + 0.75·0.01) = √0.03; stored ⌊510·0.1732 + ½⌋
    assert found.disagreement.tolist() == [88, 221]


def test_one_member_has_no_disagreement():
    assert tally([[0.3]], [1]).disagreement is None


def test_agreement_keeps_the_very_number():
    # three shares of a third would lose a bit: 0.5 must stay 128 of 255
    p = np.linspace(0, 1, 256, dtype=np.float32)
    found = tally([p] * 5, [0.1, 0.2, 0.3, 0.15, 0.25])
    assert (found.mean == p).all()
    assert (found.disagreement == 0).all()
    assert quantise(found.mean)[0] == 0


@given(
    st.lists(
        st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32), st.integers(1, 99)),
        min_size=2,
        max_size=6,
    )
)
def test_it_says_what_the_definition_says(rows):
    maps = [np.array(row[:2], dtype=np.float32) for row in rows]
    weights = [row[2] for row in rows]
    found = tally(maps, weights)
    mean = np.average(maps, axis=0, weights=weights)
    assert found.mean == pytest.approx(mean, abs=1e-6)
    sigma = np.sqrt(np.average((np.asarray(maps, np.float64) - mean) ** 2, axis=0, weights=weights))
    assert np.abs(found.disagreement - np.floor(510 * sigma + 0.5)).max() <= 1


def test_what_cannot_be_averaged_is_refused():
    with pytest.raises(ValueError, match="above zero"):
        tally([[0.1]], [0])
    with pytest.raises(ValueError, match="differ in shape"):
        tally([[0.1], [0.1, 0.2]], [1, 1])
    with pytest.raises(ValueError, match="nothing to average"):
        _ = Tally().mean


def test_a_map_that_is_given_is_not_copied_and_one_that_is_lent_not_changed():
    lent, given = (np.full((2, 3), 0.25, np.float32) for _ in range(2))
    for first, give in ((lent, False), (given, True)):
        found = Tally()
        found.add(first, 1.0, give=give)
        found.add(np.full((2, 3), 0.75, np.float32), 1.0)
        assert found.mean == pytest.approx(0.5)
        assert (found.disagreement == 128).all()
    assert (lent == 0.25).all()
    assert np.shares_memory(given, found.mean)
