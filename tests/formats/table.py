"""The table file → outcome, as lines of text: made from what `manage.py inspect --json` prints.

`manage.py inspect --json [--each] ROOT… | python -m tests.formats.table ROOT… > TABLE.tsv`
`python -m tests.formats.table --page` writes their summary into docs/operators/images.md.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

TABLES = Path(__file__).parent / "outcomes"
PAGE = Path(__file__).parents[2] / "docs" / "operators" / "images.md"
MARKS = ("<!-- outcomes: python -m tests.formats.table --page -->", "<!-- /outcomes -->")
ROOTS = {"pydicom": "with pydicom", "each": "real files, each alone", "together": "sent together"}


def lines(outcomes: Iterable[dict[str, Any]], roots: Sequence[Path]) -> list[str]:
    """Return one sorted line each: name below its root, outcome, what it is or the code."""
    return sorted("\t".join((_short(one["file"], roots), *_told(one))) for one in outcomes)


def _short(file: str, roots: Sequence[Path]) -> str:
    for root in roots:
        if Path(file).is_relative_to(root):
            return f"{root.name}/{Path(file).relative_to(root)}"
    return Path(file).name


def _told(one: dict[str, Any]) -> tuple[str, str]:
    if one["outcome"] == "refused":
        return "refused", one["code"]
    if one["outcome"] == "listed":
        return "listed", f"{one['count']} files"
    spacing = one["spacing_mm"]
    parts = [
        one["format"],
        one["modality"] or "-",
        f"{one['width']}x{one['height']}x{one['frames']}",
        "x".join(f"{step:.3f}" for step in reversed(spacing)) + " mm" if spacing else "no mm",
        one["orientation"] or "side unknown",
        f"{len(one.get('files', '1'))} files",
        f"missing {one['missing']}" if one["missing"] else "",
    ]
    return "accepted", ", ".join(part for part in parts if part)


def summary() -> str:
    """Return the three tables in short: what the files of one folder became, and how many."""
    rows = ["| files | of | became | how many |", "| --- | --- | --- | --- |"]
    for name, words in ROOTS.items():
        told = [line.split("\t") for line in (TABLES / f"{name}.tsv").read_text().splitlines()]
        counted = Counter((_folder(file), _became(outcome, what)) for file, outcome, what in told)
        rows += [
            f"| {words} | `{of}` | {became} | {n} |" for (of, became), n in sorted(counted.items())
        ]
    return "\n".join(rows)


def page() -> str:
    """Return the page of the operators' guide with the summary between its marks."""
    before, rest = PAGE.read_text().split(MARKS[0])
    return f"{before}{MARKS[0]}\n{summary()}\n{MARKS[1]}{rest.split(MARKS[1])[1]}"


def _folder(file: str) -> str:
    parts = Path(file).parts
    return "/".join(parts[:2] if len(parts) > 2 else parts[:1])


def _became(outcome: str, what: str) -> str:
    if outcome == "refused":
        return f"refused: `{what}`"
    if outcome == "listed":
        return "a list of files"
    format, modality, size = what.split(", ")[:3]
    shape = "volume" if size.split("x")[2] != "1" else "picture"
    return f"{shape}, {format}{f', {modality}' if modality != '-' else ''}"


def main() -> None:
    if sys.argv[1:] == ["--page"]:
        PAGE.write_text(page())
        return
    roots = [Path(one) for one in sys.argv[1:]]
    print("\n".join(lines(json.load(sys.stdin), roots)))


if __name__ == "__main__":
    main()
