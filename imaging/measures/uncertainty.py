"""How unsure the members are, pixel by pixel and in volume: entropy, information, variation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imaging.measures.agreement import shares


def entropy(probability: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return H = -p log2 p - (1-p) log2(1-p) in bit, 0..1, with 0·log 0 = 0; the same shape.

    Raises ValueError for values outside 0..1. Source: MEASURES §4.
    """
    p = np.asarray(probability, dtype=np.float32)
    if p.size and not (p.min() >= 0 and p.max() <= 1):
        raise ValueError(f"Probabilities lie in 0..1, not in {p.min():.4g}..{p.max():.4g}.")
    return np.asarray(_term(p) + _term(1 - p), dtype=np.float32)


def model_information(
    probabilities: Sequence[NDArray[np.floating]], weights: Sequence[float]
) -> NDArray[np.float32]:
    """Return H(p̄) - Σ w H(p) in bit, 0..1: what knowing the model would tell.

    `probabilities` are the members' maps on one grid. Raises as `entropy` and
    `shares` do. Source: MEASURES §4; Lakshminarayanan 2017.
    """
    parts = shares(weights).astype(np.float32)
    mean = sum(w * np.asarray(p, np.float32) for p, w in zip(probabilities, parts, strict=True))
    own = sum(w * entropy(p) for p, w in zip(probabilities, parts, strict=True))
    # rounding may leave a sum just beyond 1, or a difference just below 0
    return np.maximum(entropy(np.clip(mean, 0, 1)) - own, 0)


def volume_variation(volumes: Sequence[float]) -> float | None:
    """Return SD/mean (ddof 0) of the members' volumes or areas, without unit; mean 0: None."""
    values = np.asarray(volumes, dtype=np.float64)
    if values.size == 0 or values.mean() == 0:
        return None
    return float(values.std() / values.mean())


def _term(p: NDArray[np.float32]) -> NDArray[np.float32]:
    return -p * np.log2(np.where(p > 0, p, 1))
