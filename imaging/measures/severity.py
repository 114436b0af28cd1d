"""Severity by area and circularity: a rule with a version, its cuts and its words; stdlib only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

RULE = "area-circularity"
VERSION = 1
ORGAN, FOREGROUND, WHOLE_IMAGE = "organ", "foreground", "whole image"
DEFAULT_AREA = {ORGAN: (5.0, 25.0), FOREGROUND: (2.5, 12.5), WHOLE_IMAGE: (1.5, 7.5)}
DEFAULT_CIRCULARITY = (0.45, 0.75)
_KEYS = {"rule", "version", "basis", "area", "circularity"}


class Severity(NamedTuple):
    """One word and the sentence that explains it."""

    word: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rule:
    """The cuts in force, engineering defaults and not a clinical standard (MEASURES §9).

    basis        the denominator the area cuts were made for: organ, foreground, whole image.
    area         (A1, A2) in percent of that denominator, 0 <= A1 < A2 <= 100.
    circularity  (C1, C2) without unit, 0 <= C1 < C2 <= 1.
    """

    basis: str = WHOLE_IMAGE
    area: tuple[float, float] = DEFAULT_AREA[WHOLE_IMAGE]
    circularity: tuple[float, float] = DEFAULT_CIRCULARITY

    def __post_init__(self) -> None:
        if self.basis not in DEFAULT_AREA:
            raise ValueError(
                f"A severity rule counts by {', '.join(DEFAULT_AREA)}, not by “{self.basis}”."
            )
        _require_rising("area", self.area, 100)
        _require_rising("circularity", self.circularity, 1)

    @classmethod
    def default(cls, basis: str) -> Rule:
        """Return the default cuts for one denominator."""
        return cls(basis=basis, area=DEFAULT_AREA.get(basis, (0.0, 100.0)))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Rule:
        """Read {"rule", "version", "basis", "area", "circularity"}; ValueError for any other."""
        if unknown := set(data) - _KEYS:
            raise ValueError(f"A severity rule does not know {', '.join(sorted(unknown))}.")
        if (data.get("rule", RULE), data.get("version", VERSION)) != (RULE, VERSION):
            raise ValueError(
                f"There is no severity rule “{data.get('rule')}” version {data.get('version')}."
            )
        plain = cls.default(data.get("basis", WHOLE_IMAGE))
        return cls(
            basis=plain.basis,
            area=_pair("area", data.get("area", plain.area)),
            circularity=_pair("circularity", data.get("circularity", plain.circularity)),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the form that is stored with a result."""
        return {
            "rule": RULE,
            "version": VERSION,
            "basis": self.basis,
            "area": list(self.area),
            "circularity": list(self.circularity),
        }


def counts_whole_image(rule: Rule | None) -> bool:
    """Return whether a rule asks for shares of the whole image, whatever stands out in it."""
    return rule is not None and rule.basis == WHOLE_IMAGE


def assess(
    rule: Rule,
    *,
    lesion_px: int,
    area_hundredths: int | None,
    circularity: float | None,
    not_assessed: str = "",
) -> Severity:
    """Return the severity word of one image and its reason.

    Parameters
    ----------
    lesion_px        pixels of all lesions, inside the denominator or not.
    area_hundredths  affected area in hundredths of a percent; None: all of it lies outside.
    circularity      0..1 without unit; None: by area alone.
    not_assessed     why nothing may be said (gate refused, no segmentation); "" otherwise.

    A value on a cut is medium, and the printed values (two decimals) are what
    is compared. Source: the requirement's A4, ordered by MEASURES §9.
    """
    if not_assessed:
        return Severity("not assessed", not_assessed)
    if lesion_px == 0:
        return Severity("no finding", "No lesion was found at this threshold.")
    if area_hundredths is None:
        return Severity("not assessed", f"All of the finding lies outside the {rule.basis}.")
    area = Decimal(area_hundredths) / 100
    roundness = None if circularity is None else Decimal(hundredths(circularity)) / 100
    word = _word(rule, area, roundness)
    return Severity(word, _reason(rule, word, area, roundness))


def hundredths(value: float) -> int:
    """Return 100·value rounded half up, reading the number as it is printed: 4.995 is 500."""
    return int((Decimal(repr(float(value))) * 100).to_integral_value(ROUND_HALF_UP))


def _word(rule: Rule, area: Decimal, roundness: Decimal | None) -> str:
    (a1, a2), (c1, c2) = _decimals(rule.area), _decimals(rule.circularity)
    if area > a2 or (roundness is not None and roundness < c1):
        return "high"
    if area < a1 and (roundness is None or roundness > c2):
        return "low"
    return "moderate"


def _reason(rule: Rule, word: str, area: Decimal, roundness: Decimal | None) -> str:
    (a1, a2), (c1, c2) = _decimals(rule.area), _decimals(rule.circularity)
    size = f"the area, {area:.2f} % of the {rule.basis}, is {_place(area, a1, a2, ' %')}"
    if roundness is None:
        return f"{word.capitalize()} by area alone: {size}."
    shape = f"circularity {roundness:.2f} is {_place(roundness, c1, c2, '')}"
    if word == "high":  # the one that decides stands first
        parts = [(area > a2, size), (roundness < c1, shape)]
        return f"High, because {' and '.join(text for decides, text in parts if decides)}."
    return f"{word.capitalize()}: {size}, and {shape}."


def _place(value: Decimal, low: Decimal, high: Decimal, unit: str) -> str:
    if value > high:
        return f"above {high:.2f}{unit}"
    if value < low:
        return f"below {low:.2f}{unit}"
    return f"from {low:.2f} to {high:.2f}{unit}"


def _decimals(cuts: tuple[float, float]) -> tuple[Decimal, Decimal]:
    return Decimal(repr(cuts[0])), Decimal(repr(cuts[1]))


def _pair(name: str, values: Sequence[float]) -> tuple[float, float]:
    if len(values) != 2:
        raise ValueError(f"The {name} of a severity rule has two cuts, not {len(values)}.")
    return float(values[0]), float(values[1])


def _require_rising(name: str, cuts: tuple[float, float], most: float) -> None:
    low, high = cuts
    if not 0 <= low < high <= most:
        raise ValueError(f"The {name} cuts must rise from 0 to {most}, not {low} and {high}.")
