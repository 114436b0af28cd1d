"""docs/acceptance.md names, for each promise of the screens, tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs/acceptance.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
PROMISES = [f"U{number}" for number in range(1, 31)]


def rows() -> dict[str, str]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return {line.split("|")[1].strip(): line for line in lines if line.startswith("| U")}


def test_each_promise_stands_in_the_table_once_and_in_order():
    assert list(rows()) == PROMISES


def test_each_named_test_is_there():
    gone = []
    for file, name in NAMED.findall(TABLE.read_text(encoding="utf-8")):
        path = ROOT / file
        if not path.is_file() or f"\ndef {name}(" not in path.read_text(encoding="utf-8"):
            gone.append(f"{file}::{name}")
    assert gone == []


def test_each_row_names_a_test_or_says_what_is_missing():
    for promise, row in rows().items():
        left = row.split("|")[4].strip()
        assert NAMED.search(row) or left not in ("", "–"), promise
