"""Print, or write into a document, which modality, task and framework is served by what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from accounts.commands import HouseCommand, there
from imaging.terminal.kinds_table import kinds_table, placed
from mediscan.management.commands.seed_sample import FIRST, FIRST_AGAIN, OTHERS


def samples() -> dict[str, str]:
    """Return what the drawn sample of each ensemble shows."""
    found = {name: one.shows for one in (FIRST, *OTHERS) for name in one.ensembles}
    return found | dict.fromkeys(FIRST_AGAIN, FIRST.shows)


class Command(HouseCommand):
    help = "Print modality × task × framework with the models and samples of this installation."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", type=Path, metavar="FILE", help="between the marks of FILE")

    def handle(self, *, write: Path | None, **options: Any) -> None:
        table = kinds_table(Path(settings.MODELS_DIR), samples())
        if write is None:
            self.stdout.write(table)
            return
        there(write)
        try:
            text = placed(write.read_text(encoding="utf-8"), table)
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        write.write_text(text, encoding="utf-8")
