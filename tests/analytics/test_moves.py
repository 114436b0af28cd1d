"""When a number counts as moved: on both sides of each bound."""

from __future__ import annotations

import pytest

from analytics.moves import mean_moved, share_moved


@pytest.mark.parametrize(
    ("now", "moved"), [(60.0, False), (70.0, False), (70.1, True), (49.9, True), (50.0, False)]
)
def test_a_mean_moves_by_more_than_a_spread(now, moved):
    assert mean_moved(now, 30, 60.0, 30, 10.0) is moved


def test_values_that_were_all_alike_move_by_any_difference_and_not_by_none():
    assert mean_moved(60.5, 30, 60.0, 30, 0.0)
    assert not mean_moved(60.0, 30, 60.0, 30, 0.0)


@pytest.mark.parametrize(("part", "moved"), [(20, False), (29, False), (41, True), (3, True)])
def test_a_share_moves_beyond_three_standard_errors(part, moved):
    # of 100 against 20 of 100: 41 gives z = 3.22, 29 gives 1.48; 3 gives 3.76
    assert share_moved(part / 100, 100, 0.2, 100) is moved


def test_the_bound_itself_is_not_beyond_it():
    assert not share_moved(0.0, 50, 0.0, 50)
    assert not share_moved(1.0, 50, 1.0, 50)


@pytest.mark.parametrize(("n", "m"), [(29, 500), (500, 29), (0, 500)])
def test_of_few_nothing_is_said(n, m):
    assert not share_moved(1.0, n, 0.0, m)
    assert not mean_moved(99.0, n, 1.0, m, 1.0)


def test_from_thirty_on_it_is_said():
    assert share_moved(1.0, 30, 0.0, 30)
    assert mean_moved(99.0, 30, 1.0, 30, 1.0)


@pytest.mark.parametrize(("now", "moved"), [(0.249, False), (0.25, True), (0.15, True)])
def test_a_share_that_is_beyond_chance_is_told_from_five_points_on(now, moved):
    # of 20 000, three standard errors are 1.2 points
    assert share_moved(now, 20_000, 0.2, 20_000) is moved
