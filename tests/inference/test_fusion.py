"""Majority and STAPLE on maps small enough to work out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.inference.fusion import majority, majority_of, staple


def maps(*rows):
    return [np.array(row, dtype=np.uint8) for row in rows]


def test_majority_is_what_more_than_half_of_the_weight_reaches():
    three = maps([200, 10, 90], [100, 20, 90], [50, 250, 90])
    assert majority(three, [1, 1, 1]).tolist() == [100, 20, 90]
    assert majority(three, [3, 1, 1]).tolist() == [200, 10, 90]  # one holds more than half
    assert majority(three[:2], [1, 1]).tolist() == [100, 10, 90]  # exactly half is not a majority
    assert majority_of([0.9, 0.2, 0.4], [0.2, 0.4, 0.4]) == 0.4


@given(
    st.lists(st.lists(st.integers(0, 255), min_size=4, max_size=4), min_size=1, max_size=5),
    st.integers(1, 255),
)
def test_at_every_threshold_the_majority_counts_votes(rows, level):
    found = majority(maps(*rows), [1.0] * len(rows))
    votes = (np.array(rows) >= level).sum(axis=0)
    assert ((found >= level) == (2 * votes > len(rows))).all()


def test_members_that_agree_are_certain():
    one = maps([255, 255, 0, 0, 0])
    q, rates = staple(one * 3, 0.5)
    assert q.tolist() == [255, 255, 0, 0, 0]
    assert all(p == pytest.approx(1) and s == pytest.approx(1) for p, s in rates)


def test_staple_is_the_fixed_point_of_its_own_equations():
    rng = np.random.default_rng(3)
    truth = np.arange(400) < 120
    noisy = [np.where(rng.random(400) < wrong, ~truth, truth) for wrong in (0.05, 0.1, 0.3)]
    q, rates = staple([np.where(m, 255, 0).astype(np.uint8) for m in noisy], 0.5)
    prior = np.mean(noisy)  # one prior for the image: the mean share of marked pixels
    yes, no = np.full(400, prior), np.full(400, 1 - prior)
    for mask, (p, s) in zip(noisy, rates, strict=True):
        yes *= np.where(mask, p, 1 - p)
        no *= np.where(mask, 1 - s, s)
    w = yes / (yes + no)
    assert np.abs(q / 255 - w).max() < 0.004
    for mask, (p, s) in zip(noisy, rates, strict=True):
        assert p == pytest.approx(w[mask].sum() / w.sum(), abs=1e-4)
        assert s == pytest.approx((1 - w)[~mask].sum() / (1 - w).sum(), abs=1e-4)
    assert rates[0] > rates[2]  # the careful member is believed more
    assert ((q >= 128) == truth).mean() > 0.93


def test_where_nobody_marks_anything_there_is_nothing():
    q, rates = staple(maps([0, 0, 3], [1, 2, 3]), 0.5)
    assert q.tolist() == [0, 0, 0]
    assert rates == [(1.0, 1.0), (1.0, 1.0)]


def test_maps_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="of one shape"):
        majority(maps([1, 2], [1, 2, 3]), [1, 1])
    with pytest.raises(ValueError, match="above zero"):
        majority(maps([1, 2]), [0])
