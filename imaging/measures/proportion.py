"""How sure a counted share is: Wilson's interval, for pixels and for cases; stdlib only."""

from __future__ import annotations

from math import sqrt

_Z95 = 1.959963984540054


def wilson_ci95(successes: int, n: int) -> tuple[float, float] | None:
    """Return Wilson's 95 % interval of a proportion, 0..1 without unit; None when n is 0.

    Raises ValueError unless 0 <= successes <= n. Source: Wilson EB, JASA 22, 1927.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no proportion.")
    if n == 0:
        return None
    share, z2 = successes / n, _Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)
