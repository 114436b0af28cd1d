"""PURE: why a password is refused, as codes; the words stand in validators.py and the template."""

from __future__ import annotations

from collections.abc import Iterable

from accounts.passwords.guessing import estimate, table

KINDS = ("context", "own", "common", "date", "keys", "repeat")
SHOWN = 2  # reasons for one password: the two that cover most of it


def reasons(password: str, about: Iterable[str] = ()) -> list[str]:
    """Return why `password` is refused; an empty list when it is not."""
    given = table()
    found = []
    if len(password) < given.min:
        found.append("short")
    if len(password) > given.max:
        found.append("long")
    guess = estimate(password, about)
    if guess.level < given.refused_below:
        found += weaknesses(password, guess.covered)
    return found


def weaknesses(password: str, covered: dict[str, int]) -> list[str]:
    """Return what a weak password is made of, what covers most of it first."""
    made_of = [kind for kind in KINDS if covered.get(kind, 0) > 1]
    made_of.sort(key=lambda kind: -covered[kind])  # stable: of equals the first of KINDS
    if made_of:
        return made_of[:SHOWN]
    return ["digits"] if password.isascii() and password.isdigit() else ["weak"]
