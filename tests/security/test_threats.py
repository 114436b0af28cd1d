"""Each numbered proof that this house owes is in a test; a right that opens nothing is admitted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from accounts.roles import TABLE

ROOT = Path(__file__).resolve().parents[2]
OWED = (*range(1, 27), *range(38, 45), *range(47, 55), 56, 58)
IN_WORDS = {  # rows of the table that no code asks for, and the words that say so
    "result.count": "",  # analytics.view has come in its place
    "plan.change": "",  # an operator's, in the admin
}


def numbers_of(text: str) -> set[int]:
    """The numbers in a file's first sentence: “S18, S19: …”, “S10 to S13: …”."""
    first = text.partition(":")[0]
    numbers = [int(one) for one in re.findall(r"\bS(\d+)\b", first)]
    return set(range(min(numbers), max(numbers) + 1)) if " to S" in first else set(numbers)


@pytest.mark.parametrize("number", OWED)
def test_the_proof_is_a_test_that_says_its_number(number):
    found = [
        path
        for path in (ROOT / "tests").rglob("test_*.py")
        if number in numbers_of(path.read_text(encoding="utf-8"))
    ]
    assert any("def test_" in path.read_text(encoding="utf-8") for path in found)


def test_every_row_of_the_roles_that_opens_nothing_is_admitted():
    rooms = ("accounts", "analytics", "imaging", "mediscan", "reports", "templates")
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for room in rooms
        for path in (ROOT / room).rglob("*")
        if path.suffix in (".py", ".html") and path != ROOT / "accounts/roles.py"
    )
    idle = {name for name in TABLE if f'"{name}"' not in code and f"'{name}'" not in code}
    assert idle == IN_WORDS.keys()
    told = (ROOT / "docs/THREATS.md").read_text(encoding="utf-8")
    assert [name for name, words in IN_WORDS.items() if words not in told] == []
