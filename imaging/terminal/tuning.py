"""Member weights and a threshold by Dice, judged on images that the choice never saw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from imaging.measures.numbers import rounded
from imaging.measures.probability import threshold_level

STEPS = 10  # weights are tenths of one
MOST_CHOICES = 1_000
THRESHOLDS = tuple(round(0.05 * n, 2) for n in range(1, 20))
LEAST_LEVEL = threshold_level(THRESHOLDS[0])
_RESAMPLES, _SEED = 2000, 0


@dataclass(frozen=True, slots=True)
class Tried:
    """One image: what each member says where any of them, or the reference, says anything.

    maps      uint8 (M, N): N pixels of the image. truth: bool (N,). Pixels that are left out
              lie below every threshold in every member, and outside the reference.
    """

    file: str
    patient: str
    maps: NDArray[np.uint8]
    truth: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Choice:
    """Weights that sum to one, in the members' order, and a threshold."""

    weights: tuple[float, ...]
    threshold: float


def tried(
    file: str, patient: str, maps: Sequence[NDArray[np.uint8]], truth: NDArray[np.bool_]
) -> Tried:
    """Keep what can matter of one image's maps and its reference."""
    stack = np.stack([one.ravel() for one in maps])
    kept = (stack.max(axis=0) >= LEAST_LEVEL) | truth.ravel()
    return Tried(file, patient, stack[:, kept], truth.ravel()[kept])


def weight_choices(members: int) -> list[tuple[float, ...]]:
    """Return the ways to share one among the members in tenths; for many, a fixed sample."""
    if members == 1:
        return [(1.0,)]
    if members <= 4:
        parts = (p for p in product(range(STEPS + 1), repeat=members) if sum(p) == STEPS)
        return [tuple(one / STEPS for one in part) for part in parts]
    drawn = np.random.default_rng(_SEED).dirichlet(np.ones(members), MOST_CHOICES)
    return [tuple(1 / members for _ in range(members)), *map(tuple, drawn.tolist())]


def dice_table(
    images: Sequence[Tried], choices: Sequence[tuple[float, ...]]
) -> NDArray[np.float64]:
    """Return Dice by image, weights and threshold; nan where mask and reference are empty."""
    table = np.empty((len(images), len(choices), len(THRESHOLDS)))
    levels = [threshold_level(t) for t in THRESHOLDS]
    for row, image in enumerate(images):
        maps = image.maps.astype(np.float32)
        for column, weights in enumerate(choices):
            mean = np.asarray(weights, dtype=np.float32) @ maps
            q = np.floor(mean + 0.5).astype(np.uint8)
            table[row, column] = _dice(q, image.truth, levels)
    return table


def _dice(
    q: NDArray[np.uint8], truth: NDArray[np.bool_], levels: Sequence[int]
) -> NDArray[np.float64]:
    """Return Dice at each level from two histograms: no mask is made."""
    marked = np.cumsum(np.bincount(q, minlength=256)[::-1])[::-1]
    right = np.cumsum(np.bincount(q[truth], minlength=256)[::-1])[::-1]
    both = marked[levels] + int(truth.sum())
    with np.errstate(invalid="ignore"):
        return np.where(both > 0, 2 * right[levels] / np.maximum(both, 1), np.nan)


class OfPatient(Protocol):
    """An image that somebody's patient belongs to."""

    @property
    def patient(self) -> str: ...


def folds_of(images: Sequence[OfPatient], count: int) -> list[NDArray[np.int64]]:
    """Share the images among folds, a patient's together, the same at every call."""
    patients = sorted({image.patient for image in images})
    order = np.random.default_rng(_SEED).permutation(len(patients))
    fold = {patients[p]: place % count for place, p in enumerate(order)}
    found = [np.flatnonzero([fold[image.patient] == n for image in images]) for n in range(count)]
    return [one for one in found if len(one)]


def propose(images: Sequence[Tried], now: Choice, *, folds: int = 5) -> dict[str, Any]:
    """Return the proposal with its gain over `now`, each image judged by a choice without it.

    The final choice is made on all images; what it gains is said by the folds, where the choice
    was made on the others. Raises ValueError for fewer than two patients.
    """
    parts = folds_of(images, folds)
    if len(parts) < 2:
        raise ValueError("Tuning needs images of at least two patients.")
    choices = weight_choices(len(now.weights))
    table = dice_table(images, [*choices, now.weights])
    place = int(np.argmin([abs(t - now.threshold) for t in THRESHOLDS]))
    before = table[:, -1, place]
    if abs(THRESHOLDS[place] - now.threshold) > 1e-9:
        before = _at(images, now)
    candidates = table[:, :-1]
    after = np.full(len(images), np.nan)
    for part in parts:
        others = np.setdiff1d(np.arange(len(images)), part)
        weights, level = _best(candidates[others])
        after[part] = candidates[part, weights, level]
    weights, level = _best(candidates)
    gains = [
        (after[n] - before[n], image.patient)
        for n, image in enumerate(images)
        if np.isfinite(after[n]) and np.isfinite(before[n])
    ]
    return {
        "weights": list(choices[weights]),
        "threshold": THRESHOLDS[level],
        "dice_now": rounded(float(np.nanmean(before))),
        "dice_tuned": rounded(float(np.nanmean(after))),
        **_spread(gains),
        "images": len(images),
        "folds": len(parts),
    }


def _best(table: NDArray[np.float64]) -> tuple[int, int]:
    """Return weights and threshold of the highest mean Dice; ties go to the first."""
    means = np.nanmean(table, axis=0)
    found = np.unravel_index(int(np.nanargmax(means)), means.shape)
    return int(found[0]), int(found[1])


def _at(images: Sequence[Tried], choice: Choice) -> NDArray[np.float64]:
    levels = [threshold_level(choice.threshold)]
    found = []
    for image in images:
        mean = np.asarray(choice.weights, dtype=np.float32) @ image.maps.astype(np.float32)
        found.append(_dice(np.floor(mean + 0.5).astype(np.uint8), image.truth, levels)[0])
    return np.array(found)


def _spread(gains: Sequence[tuple[float, str]]) -> dict[str, Any]:
    """Return mean, SD and a 95 % interval by resampling patients from a fixed seed."""
    by_patient: dict[str, list[float]] = {}
    for gain, patient in gains:
        by_patient.setdefault(patient, []).append(float(gain))
    sums = np.array([sum(values) for values in by_patient.values()])
    counts = np.array([len(values) for values in by_patient.values()])
    drawn = np.random.default_rng(_SEED).integers(0, len(sums), (_RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    values = np.array([gain for gain, _ in gains])
    return {
        "gain": rounded(float(values.mean())),
        "sd": rounded(float(values.std(ddof=1))) if len(values) > 1 else None,
        "ci95": [rounded(float(end)) for end in np.percentile(means, (2.5, 97.5))],
    }


def is_worth_it(proposal: Mapping[str, Any]) -> bool:
    """Say whether the gain is more than chance: its interval lies above zero."""
    return proposal["ci95"][0] > 0


def words(names: Sequence[str], proposal: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a person reads of a proposal."""
    shares = ", ".join(
        f"{name} {weight:g}" for name, weight in zip(names, proposal["weights"], strict=True)
    )
    low, high = proposal["ci95"]
    yield f"Proposed: {shares}; threshold {proposal['threshold']:g}."
    yield (
        f"Mean Dice {proposal['dice_now']:.4f} → {proposal['dice_tuned']:.4f} over"
        f" {proposal['images']} images in {proposal['folds']} folds: gain"
        f" {proposal['gain']:+.4f}, SD {proposal['sd'] or 0:.4f}, 95 % interval"
        f" {low:+.4f} to {high:+.4f}."
    )
    if not is_worth_it(proposal):
        yield "That is not more than chance: keep the weights as they are."
