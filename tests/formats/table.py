"""The table file → outcome, as lines of text: made from what `manage.py inspect --json` prints.

`manage.py inspect --json [--each] ROOT… | python -m tests.formats.table ROOT… > TABLE.tsv`
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


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


def main() -> None:
    roots = [Path(one) for one in sys.argv[1:]]
    print("\n".join(lines(json.load(sys.stdin), roots)))


if __name__ == "__main__":
    main()
