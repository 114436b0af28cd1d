"""PURE: from paired times to a ratio with its spread, and from that to a verdict, or to none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MET, MISSED, NO_DIFFERENCE, NOISY = "met", "missed", "no difference", "noisy"
MOST_SPREAD = 1.5  # of the control's own times, largest over smallest
MOST_LOAD = 0.3  # per core, before the start
MOST_STEAL = 2.0  # per cent of the processor's time, taken by other guests of the machine
EXIT_MET, EXIT_MISSED, EXIT_NOISY = 0, 1, 3


@dataclass(frozen=True, slots=True)
class Round:
    """One turn A B A': `a` and `control` are the same thing, measured around `b`."""

    a: float
    b: float
    control: float

    @property
    def ratio(self) -> float:
        return self.b / ((self.a + self.control) / 2)

    @property
    def drift(self) -> float:
        return self.control / self.a


@dataclass(frozen=True, slots=True)
class Band:
    """The middle and the ends of some ratios."""

    median: float
    min: float
    max: float

    def holds(self, value: float) -> bool:
        return self.min <= value <= self.max

    @property
    def width(self) -> float:
        """How far from one it reaches, as a share."""
        return max(self.max - 1, 1 - self.min)


@dataclass(frozen=True, slots=True)
class Goal:
    """A limit on a ratio: at most, or at least."""

    limit: float
    at_least: bool = False

    def is_met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


def band(values: Sequence[float]) -> Band:
    """Return median, smallest and largest. Raises ValueError for none."""
    if not values:
        raise ValueError("no round was measured")
    return Band(median(values), min(values), max(values))


def ratios(rounds: Sequence[Round]) -> Band:
    return band([one.ratio for one in rounds])


def control(rounds: Sequence[Round]) -> Band:
    return band([one.drift for one in rounds])


def verdict(rounds: Sequence[Round], goal: Goal) -> tuple[str, str]:
    """Return the verdict on B over A, and why it is withheld: A/A must tell less than A/B."""
    found, own = ratios(rounds), control(rounds)
    if why := "; ".join(_spread(rounds, found, own, goal)):
        return NOISY, why
    if not goal.is_met(found.median):
        return MISSED, ""
    return (NO_DIFFERENCE if own.holds(found.median) else MET), ""


def exit_code(verdicts: Sequence[str]) -> int:
    """Return 1 when something was missed, else 3 when something could not be told, else 0."""
    if MISSED in verdicts:
        return EXIT_MISSED
    return EXIT_NOISY if NOISY in verdicts else EXIT_MET


def _spread(rounds: Sequence[Round], found: Band, own: Band, goal: Goal) -> list[str]:
    times = [time for one in rounds for time in (one.a, one.control)]
    reasons = []
    if max(times) > MOST_SPREAD * min(times):
        reasons.append(f"the control's times differ {max(times) / min(times):.2f}-fold")
    margin = abs(found.median / goal.limit - 1)
    if own.width > margin:
        reasons.append(
            f"A against A differs by {own.width:.0%}, the ratio is {margin:.0%} from its limit"
        )
    return reasons
