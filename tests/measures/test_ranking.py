"""AUROC, Brier, calibration and intervals by hand and by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.measures.ranking import auroc, brier, calibration_error, rates, wilson


def test_auroc_by_hand():
    # of the 2 × 3 pairs: 0.9 beats all 3, 0.4 beats 0.1, ties with 0.4, loses to 0.8
    assert auroc([0.9, 0.4, 0.1, 0.4, 0.8], [True, True, False, False, False]) == pytest.approx(
        (3 + 1 + 0.5) / 6
    )
    assert auroc([0.2, 0.3], [True, True]) is None


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=2, max_size=30))
def test_auroc_has_its_symmetries(cases):
    p, truth = [value / 20 for value, _ in cases], [one for _, one in cases]
    found = auroc(p, truth)
    if found is None:
        assert len(set(truth)) == 1
        return
    assert 0 <= found <= 1
    assert auroc([1 - value for value in p], truth) == pytest.approx(1 - found)
    assert auroc([value**2 for value in p], truth) == pytest.approx(found)


def test_calibration_needs_fifty_cases():
    assert brier([0.5] * 49, [True] * 49) is None
    assert calibration_error([0.5] * 49, [True] * 49) is None
    half = [n % 2 == 0 for n in range(50)]
    assert brier([0.5] * 50, half) == pytest.approx(0.25)
    assert calibration_error([0.5] * 50, half) == pytest.approx(0)
    assert calibration_error([1.0] * 50, half) == pytest.approx(0.5)


def test_rates_and_their_intervals():
    found = rates([True, True, False, False], [True, False, True, False])
    assert (found["sensitivity"], found["specificity"], found["ppv"]) == (0.5, 0.5, 0.5)
    assert rates([False], [False])["sensitivity"] is None
    assert wilson(8, 10) == pytest.approx([0.4902, 0.9433], abs=1e-3)  # Wilson 1927
    assert wilson(0, 0) is None


def test_what_does_not_pair_is_refused():
    with pytest.raises(ValueError, match="do not pair"):
        auroc([0.5], [True, False])
    with pytest.raises(ValueError, match=r"0\.\.1"):
        auroc([1.5, 0.2], [True, False])
