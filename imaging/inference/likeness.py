"""How much a network's input looks like what it was trained on: ten numbers, one distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imaging.inference.metadata_gate import FEATURES, Likeness

DECILES = tuple(range(10, 100, 10))
CUT_PERCENT = 99.5
RIDGE = 1e-6  # added to the diagonal, times the mean variance: deciles may be tied
MOST_PIXELS = 1 << 20

Features = NDArray[np.float64]


def features(content: NDArray[np.floating]) -> Features:
    """Return nine deciles and the mean gradient (10,) of what a network receives.

    `content` is its input without padding, any number of axes, in the input's own unit. The
    gradient is the mean absolute difference of neighbours over all axes longer than one.
    Above a million values every n-th is taken for the deciles. Source: MEASURES §14.
    """
    values = np.asarray(content, dtype=np.float32)
    step = max(1, values.size // MOST_PIXELS)
    deciles = np.percentile(values.ravel()[::step], DECILES)
    steps = [float(np.abs(np.diff(values, axis=axis)).mean())
             for axis, size in enumerate(values.shape) if size > 1]  # fmt: skip
    return np.append(deciles, np.mean(steps) if steps else 0.0).astype(np.float64)


def distance(found: Features, seen: Likeness) -> float:
    """Return Mahalanobis d² of the features from the training pictures, without unit."""
    away = found - np.asarray(seen.mean)
    return float(away @ np.linalg.solve(np.asarray(seen.covariance), away))


def learned(rows: Sequence[Features]) -> dict[str, Any]:
    """Return the `gate.ood` block from the features of the training pictures, ready for JSON.

    The cut is the 99.5th percentile of the training pictures' own d². Raises ValueError for
    fewer than 30 pictures: ten numbers need more to have a spread.
    """
    table = np.asarray(rows, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != FEATURES or len(table) < 30:
        raise ValueError(f"30 pictures or more are needed, with {FEATURES} numbers each.")
    mean, covariance = table.mean(axis=0), np.cov(table, rowvar=False)
    covariance += np.eye(FEATURES) * max(RIDGE * covariance.trace() / FEATURES, 1e-12)
    precision = np.linalg.inv(covariance)
    away = table - mean
    own = np.einsum("ni,ij,nj->n", away, precision, away)
    return {
        "mean": [float(f"{value:.10g}") for value in mean],
        "covariance": [[float(f"{value:.10g}") for value in row] for row in covariance],
        "cut": float(f"{np.percentile(own, CUT_PERCENT):.6g}"),
    }
