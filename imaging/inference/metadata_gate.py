"""Check the `gate` block of metadata.json: which pictures a model may be shown."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

from imaging.inference.fields import Fields, is_number, show

FEATURES = 10  # nine deciles and the mean gradient


@dataclass(frozen=True, slots=True)
class Likeness:
    """What training pictures looked like: mean (10,), covariance (10, 10), cut of d²."""

    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    cut: float


@dataclass(frozen=True, slots=True)
class GatePlan:
    """The card's own limits; what is None or empty is not checked.

    body_part  DICOM words (0018,0015) that fit, upper case.
    range      smallest and largest real value that may occur.
    min_side   shortest side in pixels.
    ood        what the network's input looked like in training.
    """

    body_part: tuple[str, ...] = ()
    range: tuple[float, float] | None = None
    min_side: int = 64
    ood: Likeness | None = None


def gate_plan(fields: Fields) -> GatePlan:
    """Take `gate`, or the defaults of MEASURES §14."""
    inner = fields.inner("gate", {})
    limits = inner.numbers("range", None, counts=(2,))
    if limits is not None and limits[0] >= limits[1]:
        inner.fail("range", f"{show(list(limits))} does not rise.")
    plan = GatePlan(
        body_part=tuple(word.strip().upper() for word in inner.texts("body_part", ())),
        range=limits,
        min_side=inner.number("min_side", 64, low=1, high=4096, whole=True),
        ood=_likeness(inner),
    )
    inner.extras()
    inner.done()
    return plan


def _likeness(fields: Fields) -> Likeness | None:
    if not fields.has("ood"):
        return None
    inner = fields.inner("ood")
    mean = inner.numbers("mean", counts=(FEATURES,))
    rows = inner.checked("covariance", _is_square, f"{FEATURES} rows of {FEATURES} numbers", None)
    if not _gives_each_direction_a_width(rows):
        inner.fail("covariance", "the matrix is not symmetric and positive definite.")
    cut = float(inner.number("cut", low=1e-6, high=1e9))
    inner.extras()
    inner.done()
    return Likeness(mean, tuple(tuple(row) for row in rows), cut)


def _gives_each_direction_a_width(rows: list[list[float]]) -> bool:
    """Return whether a matrix is a covariance: symmetric, with a Cholesky factor."""
    lower: list[list[float]] = []
    for i, row in enumerate(rows):
        line: list[float] = []
        for j in range(i + 1):
            if abs(row[j] - rows[j][i]) > 1e-6 * max(abs(row[j]), 1e-6):
                return False
            other = line if i == j else lower[j]
            rest = row[j] - sum(a * b for a, b in zip(line, other, strict=False))
            if i == j and rest <= 0:
                return False
            line.append(sqrt(rest) if i == j else rest / other[j])
        lower.append(line)
    return True


def _is_square(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == FEATURES
        and all(isinstance(row, list) and len(row) == FEATURES for row in value)
        and all(is_number(item, float("-inf"), float("inf")) for row in value for item in row)
    )
