import pytest

from imaging.measures.proportion import wilson_ci95


def test_the_textbook_interval():  # 8 of 10: Wilson 0.490, 0.943
    low, high = wilson_ci95(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)


def test_certain_shares_stay_within_bounds():
    assert wilson_ci95(0, 5)[0] == 0
    assert wilson_ci95(5, 5)[1] == 1


def test_nothing_counted_is_null():
    assert wilson_ci95(0, 0) is None


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 2)])
def test_what_is_no_proportion_is_refused(successes, n):
    with pytest.raises(ValueError, match="no proportion"):
        wilson_ci95(successes, n)
