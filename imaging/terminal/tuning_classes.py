"""Member weights of a classifier by AUROC, judged on images that the choice never saw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imaging.answer_words import refusal
from imaging.inference.metadata_labels import label_key
from imaging.inference.spec import EnsembleSpec
from imaging.measures.numbers import rounded
from imaging.measures.ranking import auroc
from imaging.terminal.tuning import folds_of, weight_choices
from imaging.types import InferenceError

_RESAMPLES, _SEED = 2000, 0
Floats = NDArray[np.float64]
Truths = Mapping[str, Mapping[str, bool]]


@dataclass(frozen=True, slots=True)
class Judged:
    """One image: p of each member for each label (M, L), and which labels hold (L,)."""

    file: str
    patient: str
    shares: Floats
    truth: NDArray[np.bool_]


def judged(
    spec: EnsembleSpec,
    analysis: Mapping[str, Any],
    file: str,
    patient: str,
    holds: Mapping[str, bool],
) -> Judged:
    """Return what the members of `spec` said of one image, in their order. Raises InferenceError
    where the input gate refused the image."""
    if why := refusal(analysis):
        raise InferenceError(why)
    said = {label_key(one["label"]): one["members"] for one in analysis["classes"]}
    keys = [label_key(label) for label in spec.labels]
    shares = [[said[key][member.model] for key in keys] for member in spec.members]
    return Judged(file, patient, np.array(shares), np.array([holds[key] for key in keys]))


def propose_classes(
    images: Sequence[Judged], labels: Sequence[str], now: Sequence[float], *, folds: int = 5
) -> dict[str, Any]:
    """Return weights and thresholds with the gain in AUROC over the weights `now`.

    Each image gets the probability of weights that were chosen without it; the AUROC of all of
    these is compared with that of `now`. The thresholds are Youden's, of the final weights on all
    images: they are seen by what chose them. Raises ValueError for too few patients, or where no
    label holds for some images and not for others.
    """
    parts = folds_of(images, folds)
    if len(parts) < 2:
        raise ValueError("Tuning needs images of at least two patients.")
    shares = np.stack([one.shares for one in images])  # (N, M, L)
    truth = np.stack([one.truth for one in images])
    if mean_auroc(shares[:, 0], truth) is None:
        raise ValueError("Tuning needs images with and without at least one of the labels.")
    choices = np.array(weight_choices(len(now)))
    before, after = _mean(now, shares), np.empty(truth.shape)
    for part in parts:
        others = np.setdiff1d(np.arange(len(images)), part)
        after[part] = _mean(choices[_best(choices, shares[others], truth[others])], shares[part])
    chosen = choices[_best(choices, shares, truth)]
    final = _mean(chosen, shares)
    return {
        "weights": chosen.tolist(),
        "thresholds": {
            label: youden(final[:, n], truth[:, n]) for n, label in enumerate(labels)
        },
        "auroc_now": rounded(mean_auroc(before, truth)),
        "auroc_tuned": rounded(mean_auroc(after, truth)),
        **_spread(before, after, truth, [one.patient for one in images]),
        "images": len(images),
        "folds": len(parts),
    }  # fmt: skip


def mean_auroc(p: Floats, truth: NDArray[np.bool_]) -> float | None:
    """Return the mean AUROC over the labels that hold for some and not for others, or None."""
    found = [auroc(p[:, n].tolist(), truth[:, n].tolist()) for n in range(truth.shape[1])]
    known = [one for one in found if one is not None]
    return float(np.mean(known)) if known else None


def youden(p: Floats, truth: NDArray[np.bool_]) -> float | None:
    """Return the cut with the largest sum of sensitivity and specificity (Youden 1950)."""
    known = np.unique(p)
    cuts = (known[1:] + known[:-1]) / 2
    if not len(cuts) or truth.all() or not truth.any():
        return None
    sums = [(p[truth] >= cut).mean() + (p[~truth] < cut).mean() for cut in cuts]
    return round(float(cuts[int(np.argmax(sums))]), 3)


def _mean(weights: Sequence[float] | Floats, shares: Floats) -> Floats:
    return np.asarray(np.tensordot(shares, np.asarray(weights), axes=([1], [0])))


def _best(choices: Floats, shares: Floats, truth: NDArray[np.bool_]) -> int:
    """Return which weights rank best; of equal ones those nearest to equal shares."""
    even = np.abs(choices - 1 / choices.shape[1]).sum(axis=1)
    found = [(mean_auroc(_mean(one, shares), truth) or 0.0) for one in choices]
    return int(np.lexsort((even, -np.round(found, 12)))[0])


def _spread(
    before: Floats, after: Floats, truth: NDArray[np.bool_], patients: Sequence[str]
) -> dict[str, Any]:
    """Return the gain with SD and a 95 % interval by resampling patients from a fixed seed."""
    groups = [np.flatnonzero(np.array(patients) == one) for one in sorted(set(patients))]
    drawn, gains = np.random.default_rng(_SEED), []
    for _ in range(_RESAMPLES):
        picked = np.concatenate([groups[n] for n in drawn.integers(0, len(groups), len(groups))])
        ends = [mean_auroc(p[picked], truth[picked]) for p in (before, after)]
        if ends[0] is not None and ends[1] is not None:
            gains.append(ends[1] - ends[0])
    whole = (mean_auroc(after, truth) or 0.0) - (mean_auroc(before, truth) or 0.0)
    return {
        "gain": rounded(whole),
        "sd": rounded(float(np.std(gains, ddof=1))),
        "ci95": [rounded(float(end)) for end in np.percentile(gains, (2.5, 97.5))],
    }


def class_words(names: Sequence[str], proposal: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a person reads of a proposal."""
    weights = zip(names, proposal["weights"], strict=True)
    cuts = ", ".join(f"{label} {t}" for label, t in proposal["thresholds"].items())
    low, high = proposal["ci95"]
    yield f"Proposed: {', '.join(f'{name} {w:g}' for name, w in weights)}; thresholds {cuts}."
    yield (
        f"AUROC {proposal['auroc_now']:.4f} → {proposal['auroc_tuned']:.4f} over"
        f" {proposal['images']} images in {proposal['folds']} folds: gain"
        f" {proposal['gain']:+.4f}, SD {proposal['sd']:.4f},"
        f" 95 % interval {low:+.4f} to {high:+.4f}."
    )
    if low <= 0:
        yield "That is not more than chance: keep the weights as they are."
