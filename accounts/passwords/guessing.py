"""PURE: how many guesses a password withstands, by the pieces that a guesser puts together.

The cheapest way to build the password from pieces is found, each with its cost
in bits: a common password costs the logarithm of its rank, what was typed before
or stands on neighbouring keys next to nothing, a sign of its own its whole
alphabet. static/js/password.js does the same, line by line, from the same table.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "static" / "passwords.json"  # served as it is
DIGIT, LOWER, UPPER, SIGN, OTHER = math.log2(10), math.log2(26), math.log2(52), math.log2(33), 7.0
CONTEXT, OWN, DATE, YEAR, WALK, AGAIN, EARLIER, VARIED = 1.0, 2.0, 4.0, 5.0, 4.0, 1.0, 3.0, 1.0
SHORTEST = 3  # of a word, a walk or an earlier piece


@dataclass(frozen=True, slots=True)
class Table:
    """What guessers try first; see building.py."""

    min: int
    max: int
    levels: tuple[int, ...]
    refused_below: int
    leet: dict[str, str]
    walks: str
    words: dict[str, tuple[float, str]]
    ranks: dict[str, int]
    longest: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bits, the level 0 to 4 that they mean, and how many characters each weakness covers."""

    bits: float
    level: int
    covered: dict[str, int] = field(default_factory=dict)


@cache
def table() -> Table:
    raw = json.loads(FILE.read_text(encoding="utf-8"))
    common = raw["common"].split("\n")
    words = dict.fromkeys(raw["own"], (OWN, "own"))
    words |= dict.fromkeys(raw["dates"], (DATE, "date"))
    walks = raw["keys"] + [keys[::-1] for keys in raw["keys"]]
    return Table(
        min=raw["min"],
        max=raw["max"],
        levels=tuple(raw["levels"]),
        refused_below=raw["refusedBelow"],
        leet=raw["leet"],
        walks="\n".join(walks),
        words=words,
        ranks={word: rank for rank, word in enumerate(common, start=1)},
        longest=max(map(len, common)),
    )


def estimate(password: str, about: Iterable[str] = (), given: Table | None = None) -> Estimate:
    """Return how well `password` withstands somebody who knows the texts `about` its owner."""
    given = given or table()
    signs = list(unicodedata.normalize("NFKC", password[: given.max]))
    low = "".join(_lower(sign) for sign in signs)
    plain = "".join(given.leet.get(sign, sign) for sign in low)
    words = given.words | dict.fromkeys(parts(about), (CONTEXT, "context"))
    best: list[tuple[float, int, str]] = [(0.0, 0, "")] + [(math.inf, 0, "")] * len(low)
    for start in range(len(low)):
        for size, bits, kind in _pieces(given, words, signs, low, plain, start):
            total = best[start][0] + bits
            if total < best[start + size][0]:
                best[start + size] = (total, size, kind)
    bits = best[-1][0]
    return Estimate(bits, sum(bits >= limit for limit in given.levels), _covered(best))


def parts(texts: Iterable[str]) -> set[str]:
    """Return the words of `texts` that are long enough to be told from chance."""
    found = set()
    for text in texts:
        low = "".join(_lower(sign) for sign in unicodedata.normalize("NFKC", text))
        split = "".join(sign if sign.isalnum() else " " for sign in low).split()
        found |= {word for word in split if len(word) >= SHORTEST}
    return found


def _pieces(given: Table, words: dict, signs: list[str], low: str, plain: str, start: int):
    """Yield (size, bits, kind) of every piece that a guesser may begin at `start`."""
    yield 1, _alone(signs[start]), "plain"
    rest = len(low) - start
    for size in range(SHORTEST, min(rest, max(given.longest, 40)) + 1):
        end = start + size
        for text in (low[start:end], plain[start:end]):
            is_varied = text != "".join(signs[start:end])
            extra = VARIED if is_varied else 0.0
            if text in given.ranks:
                yield size, math.log2(given.ranks[text] + 1) + extra, "common"
            if text in words:
                bits, kind = words[text]
                yield size, bits + extra, kind
    year = low[start : start + 4]
    if len(year) == 4 and year[:2] in ("19", "20") and all(sign in "0123456789" for sign in year):
        yield 4, YEAR, "date"
    for size in range(SHORTEST, rest + 1):
        if low[start : start + size] not in given.walks:
            break
        yield size, WALK + math.log2(size), "keys"
    for size in range(1, min(rest, start) + 1):
        if low[start - size : start] == low[start : start + size]:
            yield size, AGAIN, "repeat"
    for size in range(SHORTEST, min(rest, start) + 1):
        if low[start : start + size] not in low[:start]:
            break
        yield size, EARLIER, "repeat"


def _alone(sign: str) -> float:
    if not sign.isascii():
        return OTHER
    if "0" <= sign <= "9":
        return DIGIT
    if "a" <= sign <= "z":
        return LOWER
    return UPPER if "A" <= sign <= "Z" else SIGN


def _lower(sign: str) -> str:
    """Lower a sign, unless that makes two of it: places must not move."""
    low = sign.lower()
    return low if len(low) == 1 else sign


def _covered(best: list[tuple[float, int, str]]) -> dict[str, int]:
    covered: dict[str, int] = {}
    end = len(best) - 1
    while end > 0:
        _, size, kind = best[end]
        covered[kind] = covered.get(kind, 0) + size
        end -= size
    return covered
