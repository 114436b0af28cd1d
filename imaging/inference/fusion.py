"""Other ways than the mean to join maps: weighted majority, and STAPLE."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imaging.measures.probability import mask_at, quantise
from imaging.measures.threshold import threshold_level

MOST_ROUNDS = 200
CONVERGED = 1e-9
FIRST_GUESS = 0.99999  # Warfield 2004, section II-G
_EDGE = 1e-9  # keeps a member that was never wrong from turning probabilities into 0/0
_EXACT = 1e-9  # what float sums of shares may miss of a half

Map = NDArray[np.uint8]


def majority(maps: Sequence[Map], shares: Sequence[float]) -> Map:
    """Return the largest level that members of more than half the weight reach, by pixel.

    Therefore q >= T exactly where the members that say so hold more than half of the weight,
    at every threshold and not only at the chosen one (the lower weighted median). Maps are
    uint8 of one shape; shares are above zero and are taken as parts of their sum.
    """
    _require_alike(maps, shares)
    stack = np.stack(maps)
    order = np.argsort(-stack.astype(np.int16), axis=0, kind="stable")
    weights = np.asarray(shares, dtype=np.float64) / sum(shares)
    reached = np.cumsum(weights[order], axis=0) > 0.5 + _EXACT
    first = reached.argmax(axis=0)
    ranked = np.take_along_axis(stack, order, axis=0)
    return np.take_along_axis(ranked, first[None], axis=0)[0]


def majority_of(values: Sequence[float], shares: Sequence[float]) -> float:
    """Return the same for single probabilities: the largest that more than half the weight says."""
    reached = 0.0
    for value, share in sorted(zip(values, shares, strict=True), key=lambda pair: -pair[0]):
        reached += share / sum(shares)
        if reached > 0.5 + _EXACT:
            return value
    raise ValueError("Nothing to join: no value, or no weight above zero.")


def staple(maps: Sequence[Map], threshold: float) -> tuple[Map, list[tuple[float, float]]]:
    """Return the STAPLE posterior, quantised, and each member's (sensitivity, specificity).

    Members decide at `threshold`; expectation maximisation weighs them by how well each agrees
    with what all of them make likely. The prior is the mean share of marked pixels, one for the
    image. A posterior depends on a pixel only by who marked it, so patterns are counted once.
    Where nobody or everybody marks everything there is nothing to weigh: that answer stands.
    Source: Warfield, Zou, Wells, IEEE TMI 23(7), 2004. doi:10.1109/TMI.2004.828354
    """
    _require_alike(maps, [1.0] * len(maps))
    level = threshold_level(threshold)
    codes = np.zeros(maps[0].shape, dtype=np.int32)
    for bit, q in enumerate(maps):
        codes |= mask_at(q, level).astype(np.int32) << bit
    seen, index, counts = np.unique(codes, return_inverse=True, return_counts=True)
    marks = (seen[:, None] >> np.arange(len(maps))) & 1  # pattern × member
    posterior, rates = _expectation_maximisation(marks.astype(np.float64), counts)
    return quantise(posterior.astype(np.float32))[index.reshape(codes.shape)], rates


def _expectation_maximisation(
    marks: NDArray[np.float64], counts: NDArray[np.intp]
) -> tuple[NDArray[np.float64], list[tuple[float, float]]]:
    members, pixels = marks.shape[1], counts.sum()
    prior = float((marks * counts[:, None]).sum() / (members * pixels))
    if prior in (0.0, 1.0):
        return np.full(len(counts), prior), [(1.0, 1.0)] * members
    sensitivity, specificity = np.full(members, FIRST_GUESS), np.full(members, FIRST_GUESS)
    posterior = np.zeros(len(counts))
    for _ in range(MOST_ROUNDS):
        yes = np.log(prior) + _log_chance(marks, sensitivity)
        no = np.log1p(-prior) + _log_chance(1 - marks, specificity)
        latest = 1 / (1 + np.exp(np.clip(no - yes, -700, 700)))
        moved = float((np.abs(latest - posterior) * counts).sum() / pixels)
        posterior = latest
        if moved < CONVERGED:
            break
        true, false = posterior * counts, (1 - posterior) * counts
        sensitivity = (true @ marks) / max(true.sum(), _EDGE)
        specificity = (false @ (1 - marks)) / max(false.sum(), _EDGE)
    return posterior, [(float(p), float(q)) for p, q in zip(sensitivity, specificity, strict=True)]


def _log_chance(agreed: NDArray[np.float64], rate: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log of the product over members of rate where they agreed, else 1 - rate."""
    safe = np.clip(rate, _EDGE, 1 - _EDGE)
    return np.asarray(agreed @ np.log(safe) + (1 - agreed) @ np.log(1 - safe))


def _require_alike(maps: Sequence[Map], shares: Sequence[float]) -> None:
    if not maps or len(maps) != len(shares) or not all(share > 0 for share in shares):
        raise ValueError("Each map needs a weight above zero, and there must be one.")
    if any(q.dtype != np.uint8 or q.shape != maps[0].shape for q in maps):
        raise ValueError("Maps to join are uint8 and of one shape.")
