"""PURE: when a number counts as moved against what it was; nobody is told of less."""

from __future__ import annotations

from math import sqrt

ENOUGH = 30  # below it a share of 20 % is known to 7 points at best, a spread to 13 %: noise
STEP = 0.05  # of thousands, chance is beyond by two points, of which nobody does anything
MOVED = 1.0  # standard deviations of what was usual
CERTAIN = 3.0  # standard errors of the difference: of 370 comparisons without a cause, one is told


def mean_moved(now: float, n: int, usual: float, m: int, spread: float) -> bool:
    """Say whether a mean of `n` lies more than MOVED spreads from that of `m` before.

    spread   standard deviation of single values before, in the unit of the means.

    With fewer than ENOUGH on either side nothing moved.
    """
    return min(n, m) >= ENOUGH and now != usual and abs(now - usual) > MOVED * spread


def share_moved(now: float, n: int, usual: float, m: int) -> bool:
    """Say whether a share (0 to 1) of `n` differs from that of `m` before beyond chance.

    The z of two proportions with the pooled variance (Fleiss, Levin and Paik, Statistical
    Methods for Rates and Proportions, 3rd ed., 2003, ch. 3) exceeds CERTAIN, and the difference
    is STEP or more. With fewer than ENOUGH on either side nothing moved.
    """
    if min(n, m) < ENOUGH or round(abs(now - usual), 9) < STEP:
        return False
    pooled = (now * n + usual * m) / (n + m)
    error = sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return error > 0 and abs(now - usual) > CERTAIN * error
