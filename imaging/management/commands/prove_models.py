"""Take in models that others trained and hold them to their figures; anybody can run it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from rich.table import Table

from accounts.commands import misuse
from imaging.engine.client import Engine
from imaging.terminal.command import TerminalCommand
from imaging.terminal.third_party import (
    Line,
    brains_agree,
    deepbrain_runs,
    lgg_reaches_its_dice,
)

PARTS = ("brainchop", "lgg", "deepbrain")


class Command(TerminalCommand):
    help = (
        "Take in the third-party networks of --data (see docs/operators/models.md), one per"
        " framework, run them here and compare with the figures that their files state."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, required=True, metavar="DIR",
                            help="with the folder weights, as the guide says")  # fmt: skip
        parser.add_argument("--only", choices=PARTS, action="append", help="may be given again")

    def handle(self, *, data: Path, only: list[str] | None, **options: Any) -> None:
        if not (data / "weights").is_dir():
            raise misuse(f"{data} holds no folder weights.")
        wanted, lines = only or PARTS, []
        infer = Engine("infer", memory_mb=max(settings.ENGINE_MEMORY_CAP_MB, 4000))
        with TemporaryDirectory(prefix="mediscan-proof-") as folder:
            root, work = Path(folder) / "models", Path(folder) / "work"
            root.mkdir()
            work.mkdir()
            weights = data / "weights"
            try:
                if "lgg" in wanted:
                    lines += lgg_reaches_its_dice(data, root, work, self._say)
                if "deepbrain" in wanted:
                    lines += deepbrain_runs(weights, root, work, infer, self._say)
                if "brainchop" in wanted:
                    lines += brains_agree(weights, root, work, infer, self._say)
            finally:
                infer.close()
        self._show(lines)

    def _say(self, sentence: str) -> None:
        self.stderr.write(f"{sentence} …")

    def _show(self, lines: list[Line]) -> None:
        table = Table("what", "found", "wanted", "", box=None, pad_edge=False)
        for line in lines:
            table.add_row(line.what, line.found, line.wanted, "ok" if line.holds else "MISSED")
        self.console().print(table)
        missed = sum(not line.holds for line in lines)
        if missed:
            raise CommandError(f"{missed} of {len(lines)} figures missed.")
