"""How well probabilities tell cases with a label from those without: the metrics of `validate`."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

BINS = 15
FEWEST = 50  # cases below which a calibration is not told
_Z = 1.959963984540054  # 97.5th percentile of the normal distribution

Numbers = NDArray[np.float64]


def auroc(p: Sequence[float], truth: Sequence[bool]) -> float | None:
    """Return the chance that a positive case outranks a negative one, ties counting ½; 0..1.

    None where only one class is there. Source: Mann–Whitney; Hanley, McNeil 1982.
    """
    values, wanted = _pair(p, truth)
    positive, negative = int(wanted.sum()), int((~wanted).sum())
    if not positive or not negative:
        return None
    ranks = rankdata(values)
    above = ranks[wanted].sum() - positive * (positive + 1) / 2
    return float(above / (positive * negative))


def brier(p: Sequence[float], truth: Sequence[bool]) -> float | None:
    """Return the mean of (p - truth)², 0..1; None below 50 cases. Source: Brier 1950."""
    values, wanted = _pair(p, truth)
    return None if len(values) < FEWEST else float(np.mean((values - wanted) ** 2))


def calibration_error(p: Sequence[float], truth: Sequence[bool]) -> float | None:
    """Return Σ n_b/N · |share of positives - mean p| over 15 equal bins; None below 50 cases."""
    values, wanted = _pair(p, truth)
    if len(values) < FEWEST:
        return None
    bins = np.minimum((values * BINS).astype(int), BINS - 1)
    found = 0.0
    for number in np.unique(bins):
        of = bins == number
        found += float(of.mean() * abs(wanted[of].mean() - values[of].mean()))
    return found


def rates(decided: Sequence[bool], truth: Sequence[bool]) -> dict[str, float | list[float] | None]:
    """Return sensitivity, specificity and PPV with their Wilson 95 % intervals, by case.

    A zero denominator gives null. Source: Wilson 1927; MEASURES §12.
    """
    said, wanted = np.asarray(decided, dtype=bool), np.asarray(truth, dtype=bool)
    tp, tn = int((said & wanted).sum()), int((~said & ~wanted).sum())
    parts = {
        "sensitivity": (tp, int(wanted.sum())),
        "specificity": (tn, int((~wanted).sum())),
        "ppv": (tp, int(said.sum())),
    }
    found: dict[str, float | list[float] | None] = {}
    for name, (part, whole) in parts.items():
        found[name] = round(part / whole, 6) if whole else None
        found[f"{name}_ci95"] = wilson(part, whole)
    return found


def wilson(part: int, whole: int) -> list[float] | None:
    """Return the 95 % score interval of a share; None of nothing."""
    if not whole:
        return None
    share, spread = part / whole, _Z**2 / whole
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * sqrt(share * (1 - share) / whole + spread / (4 * whole)) / (1 + spread)
    return [round(max(0.0, middle - half), 6), round(min(1.0, middle + half), 6)]


def _pair(p: Sequence[float], truth: Sequence[bool]) -> tuple[Numbers, NDArray[np.bool_]]:
    values, wanted = np.asarray(p, dtype=np.float64), np.asarray(truth, dtype=bool)
    if values.shape != wanted.shape or values.ndim != 1:
        raise ValueError(f"{values.shape} probabilities and {wanted.shape} truths do not pair.")
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise ValueError("Probabilities lie in 0..1.")
    return values, wanted
