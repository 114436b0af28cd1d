"""docs/ASVS.md answers every requirement of levels 1 and 2, and what it names exists."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IDS = Path(__file__).parent / "asvs_5_0_ids.txt"
ROW = re.compile(r"\| (V[0-9.]+) \| ([12]) \| ([^|]+) \| ([^|]+) \|")
NAMED = re.compile(r"`([^`]+)`")
FILES = re.compile(r"[\w.-]+(/[\w.-]+)*/?")
ROOT_FILES = {"Makefile", "README.md", ".env.example", "pyproject.toml", "requirements-dev.txt",
              "sbom.cdx.json", ".ci/run"}  # fmt: skip


def rows(name: str = "docs/ASVS.md") -> list[tuple[str, str, str, str]]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return [found.groups() for line in text.splitlines() if (found := ROW.fullmatch(line))]


def paths_in(text: str) -> set[str]:
    """The files and folders that a text names; addresses of pages begin with a slash."""
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    named = {one for one in NAMED.findall(text) if FILES.fullmatch(one)}
    return {one for one in named if one in ROOT_FILES or re.match(r"[\w.-]+/\w", one)}


def test_every_requirement_is_answered_once():
    wanted = [tuple(line.split()) for line in IDS.read_text(encoding="utf-8").splitlines()]
    answered = [(number, level) for number, level, _topic, _answer in rows()]
    assert answered == wanted
    assert len(wanted) == 253
    assert max(Counter(answered).values()) == 1


def test_every_answer_says_where_or_why():
    for number, _level, topic, answer in rows():
        assert topic.strip()
        told = paths_in(answer) or re.match(
            r"(does not apply|deployment|deviation|open|none|not used|no |as many|same-origin|"
            r"Python|only |Django|`)",
            answer,
        )
        assert told, number


@pytest.mark.parametrize("document", ["docs/ASVS.md", "docs/THREATS.md"])
def test_every_file_that_is_named_exists(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    named = paths_in(text)
    assert len(named) > 30
    assert sorted(one for one in named if not (ROOT / one).exists()) == []
