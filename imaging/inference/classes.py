"""From each member's probabilities to one table of classes: mean, spread, threshold, verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

from imaging.inference.metadata import ModelMetadata
from imaging.inference.metadata_labels import label_key

MULTI_LABEL, MULTI_CLASS = "multi-label", "multi-class"
MIN_P = 0.5
POSITIVE, NEGATIVE, UNCERTAIN = "positive", "negative", "uncertain"
OWN, MODEL, MEAN, LEAST = "ensemble", "model", "mean of the members", "least probability"


@dataclass(frozen=True, slots=True)
class ClassLine:
    """What the ensemble says of one label.

    p          weighted mean of the members that know the label, 0..1, and `spread` its SD.
    threshold  p >= threshold is positive; `origin` says whose it is. Of classes that exclude
               each other the largest p wins, uncertain below the least probability.
    validated  False where the threshold is only a mean of the members'.
    members    p by model name; `n` is how many.
    is_finding False for a label such as "normal" that the models do not count as finding.
    """

    label: str
    p: float
    spread: float | None
    threshold: float
    origin: str
    validated: bool
    verdict: str
    n: int
    members: Mapping[str, float]
    is_finding: bool

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def kind_of(cards: Mapping[str, ModelMetadata]) -> str:
    """Return whether labels exclude each other: only where every member says so."""
    return MULTI_CLASS if all(map(excludes, cards.values())) else MULTI_LABEL


def excludes(card: ModelMetadata) -> bool:
    """Return whether a classifier's labels exclude each other."""
    if card.activation == "softmax":
        return True
    return card.activation == "none" and len(card.channel_labels) > 1 and not card.thresholds


def class_lines(
    scores: Mapping[str, Mapping[str, float]],
    cards: Mapping[str, ModelMetadata],
    shares: Mapping[str, float],
    own: Mapping[str, float],
    joined: Mapping[str, float] | None = None,
) -> list[ClassLine]:
    """Return one line per label, in the order of the heaviest member, then of the others.

    `scores` holds p by model and label_key, of the members that ran. A label that only some
    members know is averaged over those, their weights renormalised (MEASURES §3). `own` are the
    ensemble's thresholds by label; `joined` replaces the mean where another fusion was chosen.
    """
    names = _names(scores, cards, shares)
    kind = kind_of({name: cards[name] for name in scores})
    means = {key: _mean({m: scores[m][key] for m in scores if key in scores[m]}, shares)
             for key in names}  # fmt: skip
    p = {key: (joined or {}).get(key, means[key][0]) for key in names}
    least = _least(cards, shares, scores)
    winner = max(p, key=lambda key: p[key])  # ties: the first in order
    lines = []
    for key, label in names.items():
        of = {m: scores[m][key] for m in scores if key in scores[m]}
        cut, origin = (
            (least, LEAST) if kind == MULTI_CLASS else _threshold(key, of, cards, shares, own)
        )
        lines.append(
            ClassLine(
                label=label,
                p=round(p[key], 6),
                spread=round(means[key][1], 6) if len(of) > 1 else None,
                threshold=cut,
                origin=origin,
                validated=origin != MEAN,
                verdict=_verdict(kind, p[key], cut, key == winner),
                n=len(of),
                members={m: round(value, 6) for m, value in of.items()},
                is_finding=any(label_key(f) == key for m in of for f in cards[m].findings),
            )
        )
    return lines


def _names(
    scores: Mapping[str, Mapping[str, float]],
    cards: Mapping[str, ModelMetadata],
    shares: Mapping[str, float],
) -> dict[str, str]:
    """Return every label by key, spelled as the heaviest member that knows it does."""
    names: dict[str, str] = {}
    for model in sorted(scores, key=lambda name: -shares[name]):
        for label in cards[model].channel_labels:
            names.setdefault(label_key(label), label)
    return names


def _mean(of: Mapping[str, float], shares: Mapping[str, float]) -> tuple[float, float]:
    """Return the weighted mean and SD, weights renormalised over those that answered."""
    total = sum(shares[name] for name in of)
    mean = sum(shares[name] * p for name, p in of.items()) / total
    return mean, sqrt(sum(shares[name] * (p - mean) ** 2 for name, p in of.items()) / total)


def _threshold(
    key: str,
    of: Mapping[str, float],
    cards: Mapping[str, ModelMetadata],
    shares: Mapping[str, float],
    own: Mapping[str, float],
) -> tuple[float, str]:
    """Return the threshold of a label and whose it is (MEASURES §10)."""
    kept = {label_key(label): t for label, t in own.items()}
    if key in kept:
        return kept[key], OWN
    if len(of) == 1:
        return label_threshold(cards[next(iter(of))], key), MODEL
    total = sum(shares[name] for name in of)
    mean = sum(shares[name] * label_threshold(cards[name], key) for name in of) / total
    return round(mean, 6), MEAN


def label_threshold(card: ModelMetadata, key: str) -> float:
    """Return the threshold that a model's version keeps for one label."""
    by_key = {label_key(label): t for label, t in card.thresholds.items()}
    return by_key.get(key, card.threshold)


def _least(
    cards: Mapping[str, ModelMetadata],
    shares: Mapping[str, float],
    scores: Mapping[str, Mapping[str, float]],
) -> float:
    heaviest = max(scores, key=lambda name: shares[name])
    return cards[heaviest].min_p


def _verdict(kind: str, p: float, cut: float, is_largest: bool) -> str:
    if kind == MULTI_LABEL:
        return POSITIVE if p >= cut else NEGATIVE
    if not is_largest:
        return NEGATIVE
    return POSITIVE if p >= cut else UNCERTAIN
