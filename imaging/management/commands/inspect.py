"""What files are and how series group into volumes, or why not; nothing is stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from rich.table import Column, Table

from accounts.commands import misuse
from imaging.engine.client import decode_engine
from imaging.terminal.command import TerminalCommand
from imaging.terminal.inputs import files_under
from imaging.terminal.inspecting import outcomes_each, outcomes_grouped
from imaging.terminal.progress import meter


class Command(TerminalCommand):
    help = (
        "Say what files are: which make up one volume, and why some cannot be read."
        " Exit code 1 if any was refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", nargs="+", type=Path, help="a file, or a folder of files")
        parser.add_argument("--json", action="store_true", help="print a list of objects")
        parser.add_argument(
            "--each", action="store_true", help="look at each file for itself; stack no series"
        )

    def handle(self, *, path: list[Path], each: bool, **options: Any) -> None:
        try:
            files = files_under(path)
        except OSError as error:
            raise misuse(error) from error
        with decode_engine() as engine, meter(len(files)) as bar:
            outcomes = list((outcomes_each if each else outcomes_grouped)(engine, files, bar))
        if options["json"]:
            self.stdout.write(json.dumps(outcomes, ensure_ascii=False, indent=1))
        else:
            self.console().print(_table(outcomes))
        refused = sum(one["outcome"] == "refused" for one in outcomes)
        self.some_failed(refused, len(outcomes), how="refused")


def _table(outcomes: list[dict[str, Any]]) -> Table:
    name = Column("file", overflow="fold")
    table = Table(name, "outcome", "what it is", box=None, pad_edge=False)
    for one in outcomes:
        table.add_row(one["file"], one["outcome"], _words(one))
    return table


def _words(facts: dict[str, Any]) -> str:
    if facts["outcome"] == "listed":
        return f"a list of {facts['count']:,} files"
    if facts["outcome"] == "refused":
        return str(facts["reason"])
    size = f"{facts['width']}×{facts['height']}"
    frames = f"{facts['frames']} slices" if facts["frames"] > 1 else ""
    files = f"of {len(facts['files'])} files" if "files" in facts else ""
    spacing = facts["spacing_mm"]
    parts = [
        facts["format"],
        facts["modality"] or "modality unknown",
        size,
        f"{frames} {files}".strip(),
        f"{facts['bits']} bit",
        facts["photometric"],
        " × ".join(f"{step:g}" for step in spacing) + " mm" if spacing else "no millimetres",
        str(facts["orientation"] or "side unknown"),
        *facts["warnings"],
    ]
    return ", ".join(part for part in parts if part)
