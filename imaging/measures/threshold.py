"""From a threshold in 0..1 to the whole number a stored map is compared with; stdlib only."""

from __future__ import annotations

from math import ceil

LEVELS = 255
GRID = tuple(step / 20 for step in range(1, 20))
_SLACK = 1e-9  # what binary floats add to a decimal threshold: 255 * 0.2 is 51.00000000000001


def threshold_level(threshold: float) -> int:
    """Return T = ceil(255 t - 1e-9): a pixel is in the mask iff q >= T.

    `threshold` has no unit, 0 < t <= 1; the answer is 1..255. Raises
    ValueError for anything else, NaN included. Source: MEASURES §3.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"A threshold lies above 0 and at most at 1, not at {threshold}.")
    return max(1, ceil(LEVELS * threshold - _SLACK))


def nested_dice(px: int, other_px: int) -> float | None:
    """Return the Dice of two cuts of one map, 0..1, from their pixels alone; None: both empty.

    The higher cut lies wholly within the lower one: TP is the smaller of the two.
    """
    return 2 * min(px, other_px) / (px + other_px) if px + other_px else None


def thresholds_around(operating: float) -> tuple[float, ...]:
    """Return 0.05 … 0.95 in steps of 0.05 and the operating threshold, rising, each once."""
    threshold_level(operating)
    return tuple(sorted({*GRID, round(float(operating), 10)}))
