"""From paired times to a verdict, worked by hand."""

import pytest

from bench.ratios import Goal, Round, band, control, exit_code, ratios, verdict

AT_MOST = Goal(1.25)
AT_LEAST = Goal(1.8, at_least=True)


def turns(*bs: float, drift: float = 0.01) -> list[Round]:
    """Rounds of A = 100 whose control lies `drift` above and below it in turn."""
    return [
        Round(100, b, 100 * (1 + drift if number % 2 else 1 - drift)) for number, b in enumerate(bs)
    ]


def test_a_round_is_judged_by_the_mean_of_what_stands_around_it():
    one = Round(a=90, b=120, control=110)
    assert one.ratio == pytest.approx(1.2)
    assert one.drift == pytest.approx(110 / 90)


def test_a_band_is_median_and_ends():
    assert band([3, 1, 2]) == band([2, 3, 1])
    assert (band([3, 1, 2]).median, band([3, 1, 2]).min, band([3, 1, 2]).max) == (2, 1, 3)
    with pytest.raises(ValueError, match="no round"):
        band([])


def test_ratios_are_paired_and_the_control_is_not_among_them():
    rounds = [Round(100, 150, 100), Round(200, 300, 200), Round(50, 75, 50)]
    assert (ratios(rounds).min, ratios(rounds).max) == (1.5, 1.5)
    assert (control(rounds).min, control(rounds).max) == (1, 1)


@pytest.mark.parametrize(
    ("times", "goal", "word"),
    [
        ((110, 112, 111), AT_MOST, "met"),
        ((150, 152, 151), AT_MOST, "missed"),
        ((100, 100.5, 99.5), AT_MOST, "no difference"),
        ((190, 192, 191), AT_LEAST, "met"),
        ((120, 121, 122), AT_LEAST, "missed"),
        ((100, 100.5, 99.5), AT_LEAST, "missed"),
    ],
)
def test_a_quiet_machine_gives_a_verdict(times, goal, word):
    assert verdict(turns(*times), goal) == (word, "")


def test_a_control_that_wanders_further_than_the_limit_is_away_says_nothing():
    word, why = verdict(turns(120, 121, 119, drift=0.06), AT_MOST)
    assert word == "noisy"
    assert "A against A differs by 6%" in why
    assert verdict(turns(200, 201, 199, drift=0.06), AT_MOST)[0] == "missed"


def test_a_control_whose_times_differ_says_nothing_even_of_a_large_ratio():
    rounds = [Round(100, 500, 100), Round(160, 800, 160)]
    word, why = verdict(rounds, AT_MOST)
    assert word == "noisy"
    assert "1.60-fold" in why


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        (["met", "no difference", ""], 0),
        (["met", "noisy"], 3),
        (["noisy", "missed"], 1),
        ([], 0),
    ],
)
def test_the_exit_code_names_the_worst(verdicts, code):
    assert exit_code(verdicts) == code
