"""Before anything is analysed: is this the kind of picture that the models were made for?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from imaging.inference.likeness import distance, features
from imaging.inference.metadata import ModelMetadata
from imaging.inference.preprocess import MIN_SLICES, network_input
from imaging.types import Volume

PASS, WARN, REFUSE = "pass", "warn", "refuse"
_WORST = (PASS, WARN, REFUSE)
FLAT = 0.01
FAR = 4  # times the cut
KINDS = {
    **dict.fromkeys(("CR", "DX", "DR", "RG", "PX", "XRAY"), "xray"),
    **dict.fromkeys(("MR", "MRI"), "mri"),
    "CT": "ct",
}
_NAMES = {"xray": "X-ray", "mri": "MRI", "ct": "CT"}
_SAMPLE = 1 << 21  # values looked at


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at for one model, and what came of it in words."""

    model: str
    code: str
    verdict: str
    sentence: str


def gate(volume: Volume, cards: Mapping[str, ModelMetadata]) -> dict[str, Any]:
    """Return what every check says of `volume`, ready for JSON; the worst one decides.

    {"verdict", "checks": [{"model", "code", "verdict", "sentence"}], "unassessed": models whose
    folder does not say what their training pictures looked like}. Source: MEASURES §14.
    """
    numbers = _Numbers.of(volume)
    checks: list[Check] = []
    for name, card in cards.items():
        found = [*_kind(volume, card), *_values(numbers, volume, card)]
        if not any(check[1] == REFUSE for check in found):
            found += _likeness(volume, card)
        checks += [Check(name, code, verdict, words) for code, verdict, words in found]
    worst = max((check.verdict for check in checks), key=_WORST.index, default=PASS)
    return {
        "verdict": worst,
        "checks": [asdict(check) for check in _told_once(checks)],
        "unassessed": [name for name, card in cards.items() if card.gate_plan.ood is None],
    }


def kind_of_image(volume: Volume) -> str:
    """Return xray, mri or ct, or "" where the file does not say."""
    return KINDS.get(volume.modality.strip().upper(), "")


_Found = list[tuple[str, str, str]]


def _kind(volume: Volume, card: ModelMetadata) -> _Found:
    found: _Found = []
    own = kind_of_image(volume)
    if own and own not in card.modality:
        made_for = " or ".join(_NAMES[one] for one in card.modality)
        verdict = WARN if volume.raster else REFUSE
        found.append(("modality", verdict, f"This is {_NAMES[own]}; the model reads {made_for}."))
    if volume.localizer:
        found.append(("kind", REFUSE, "This is a localizer, taken to plan the series."))
    if card.spatial_dims == 3 and volume.array.shape[0] < MIN_SLICES:
        sentence = (
            f"The model reads volumes; this image has {volume.array.shape[0]} slice(s), "
            f"at least {MIN_SLICES} are needed."
        )
        found.append(("kind", REFUSE, sentence))
    part, wanted = volume.body_part.strip().upper(), card.gate_plan.body_part
    if part and wanted and part not in wanted:
        words = f"The file says {part}; the model was made for {', '.join(wanted)}."
        found.append(("body_part", WARN, words))
    return found


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Smallest and largest real value, P1 and P99, of the pixels that count."""

    low: float
    high: float
    p1: float
    p99: float

    @classmethod
    def of(cls, volume: Volume) -> _Numbers:
        flat = volume.array.reshape(-1)
        counted = flat[:: max(1, flat.size // _SAMPLE)]
        ends = [_counting(flat[start : start + _SAMPLE], volume)
                for start in range(0, flat.size, _SAMPLE)]  # fmt: skip
        ends = [piece for piece in ends if piece.size]
        if not ends:
            return cls(0.0, 0.0, 0.0, 0.0)
        stored = [
            float(min(piece.min() for piece in ends)),
            float(max(piece.max() for piece in ends)),
            *(float(v) for v in np.percentile(_counting(counted, volume), (1, 99))),
        ]
        real = [value * volume.slope + volume.intercept for value in stored]
        return cls(min(real[:2]), max(real[:2]), min(real[2:]), max(real[2:]))


def _counting(stored: np.ndarray, volume: Volume) -> np.ndarray:
    if stored.dtype.kind == "f":
        stored = stored[np.isfinite(stored)]
    return stored if volume.padding is None else stored[stored != volume.padding]


def _values(numbers: _Numbers, volume: Volume, card: ModelMetadata) -> _Found:
    found: _Found = []
    limits = card.gate_plan.range
    if limits and (numbers.low < limits[0] or numbers.high > limits[1]):
        found.append(
            (
                "range",
                REFUSE,
                f"Its values reach from {numbers.low:g} to {numbers.high:g}; "
                f"the model was made for {limits[0]:g} to {limits[1]:g}.",
            )
        )
    elif kind_of_image(volume) == "ct" and numbers.low >= 0 and numbers.high <= 255:
        words = (
            "All values lie between 0 and 255: a CT that was windowed before, not Hounsfield units."
        )
        found.append(("range", REFUSE, words))
    if numbers.p99 - numbers.p1 < FLAT * (numbers.high - numbers.low) or (
        numbers.high == numbers.low
    ):
        found.append(("flat", REFUSE, "Nearly all of it has one value: there is nothing to see."))
    return found + _size(volume, card)


def _size(volume: Volume, card: ModelMetadata) -> _Found:
    short = min(volume.array.shape[1:])
    if short < card.gate_plan.min_side:
        words = f"Its short side has {short} pixels; at least {card.gate_plan.min_side} are needed."
        return [("size", REFUSE, words)]
    planar = card.target_size[-2:] if card.spatial_dims == 2 else ()
    if not card.tiling and planar and short < min(planar) / 4:
        words = f"Its short side has {short} pixels, less than a quarter of what the model reads."
        return [("size", WARN, words)]
    return []


def _likeness(volume: Volume, card: ModelMetadata) -> _Found:
    seen = card.gate_plan.ood
    if seen is None:
        return []
    far = distance(features(network_input(volume, card)), seen) / seen.cut
    if far <= 1:
        return []
    verdict = REFUSE if far > FAR else WARN
    words = (
        "It does not look like the pictures that the model was trained on: "
        f"{far:.1f} times the distance at which one in two hundred of those lies."
    )
    return [("ood", verdict, words)]


def _told_once(checks: list[Check]) -> list[Check]:
    """Return the checks, worst first; the same sentence of several models stands once."""
    told: dict[tuple[str, str, str], list[str]] = {}
    for check in checks:
        told.setdefault((check.code, check.verdict, check.sentence), []).append(check.model)
    rows = [Check(", ".join(who), *what) for what, who in told.items()]
    return sorted(rows, key=lambda row: -_WORST.index(row.verdict))
