"""What each file is, or the plain reason why it is refused; nothing is stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.table import Column, Table

from imaging.engine.client import Engine, decode_engine
from imaging.terminal.command import TerminalCommand
from imaging.terminal.inputs import clean_path, files_under
from imaging.terminal.progress import meter
from imaging.terminal.work import EXPECTED, opened, reason
from imaging.types import Refused


class Command(TerminalCommand):
    help = "Say what each file is, or why it cannot be read. Exit code 2 if any was refused."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", nargs="+", type=Path, help="a file, or a folder of files")
        parser.add_argument("--json", action="store_true", help="print a list of objects")

    def handle(self, *, path: list[Path], **options: Any) -> None:
        try:
            files = files_under(path)
        except OSError as error:
            raise CommandError(str(error)) from error
        with decode_engine() as engine, meter(len(files)) as bar:
            outcomes = []
            for file in files:
                bar.begin(clean_path(file))
                outcomes.append(outcome_of(engine, file))
                bar.end()
        if options["json"]:
            self.stdout.write(json.dumps(outcomes, ensure_ascii=False, indent=1))
        else:
            self.console().print(_table(outcomes))
        refused = sum(one["outcome"] == "refused" for one in outcomes)
        self.some_failed(refused, len(outcomes), how="refused")


def outcome_of(engine: Engine, file: Path) -> dict[str, Any]:
    """Return what `file` is, or its refusal, as JSON."""
    try:
        with opened(engine, file) as picture:
            facts = picture.record["description"]
            return {"file": clean_path(file), "outcome": "accepted", **facts}
    except EXPECTED as error:
        code = error.code if isinstance(error, Refused) else "engine"
        refused = {"outcome": "refused", "code": code, "reason": reason(error)}
        return {"file": clean_path(file), **refused}


def _table(outcomes: list[dict[str, Any]]) -> Table:
    name = Column("file", overflow="fold")
    table = Table(name, "outcome", "what it is", box=None, pad_edge=False)
    for one in outcomes:
        accepted = one["outcome"] == "accepted"
        table.add_row(one["file"], one["outcome"], _words(one) if accepted else one["reason"])
    return table


def _words(facts: dict[str, Any]) -> str:
    size = f"{facts['width']}×{facts['height']}"
    frames = f"{facts['frames']} slices" if facts["frames"] > 1 else ""
    spacing = facts["spacing_mm"]
    parts = [
        facts["format"],
        facts["modality"] or "modality unknown",
        size,
        frames,
        f"{facts['bits']} bit",
        facts["photometric"],
        " × ".join(f"{step:g}" for step in spacing) + " mm" if spacing else "no millimetres",
        str(facts["orientation"] or "side unknown"),
        *facts["warnings"],
    ]
    return ", ".join(part for part in parts if part)
