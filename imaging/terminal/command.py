"""A command that needs no database, whose exit code is 0, 1 (some failed) or 2 (wrong usage)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from rich.console import Console

from accounts.commands import misuse
from accounts.json_answers import AnswersJson
from imaging.inference.spec import EnsembleSpec, spec_from_file, spec_from_members
from imaging.terminal.members import MEMBER_HELP, member_from_text
from imaging.types import InferenceError

_FILE_WIDTH = 240


class TerminalCommand(AnswersJson):
    requires_system_checks = []
    requires_migrations_checks = False

    @property
    def models_dir(self) -> Path:
        return Path(settings.MODELS_DIR)

    def console(self) -> Console:
        """A table printer on this command's own output; wide lines where nobody's screen ends."""
        width = None if self.stdout.isatty() else _FILE_WIDTH
        return Console(file=self.stdout, highlight=False, markup=False, width=width)

    def some_failed(self, failed: int, total: int, *, how: str = "failed") -> None:
        """End with exit code 1 and a sentence, when anything failed."""
        if failed:
            raise CommandError(f"{failed} of {total} {how}.")

    def tell(self, told: dict[str, Any], where: Path | bool | None) -> None:
        """Give a table as JSON: print it (True), write it into a file, or neither (None).

        Raises: CommandError where the file cannot be written.
        """
        if not where:
            return
        text = json.dumps(told, ensure_ascii=False, allow_nan=False, indent=1)
        if where is True:
            self.stdout.write(text)
            return
        try:
            where.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise CommandError(f"The table cannot be written: {error}") from error


def add_json_argument(parser: CommandParser) -> None:
    parser.add_argument(
        "--json", type=Path, nargs="?", const=True, metavar="FILE",
        help="print one JSON object in place of the table; with a FILE, write it there",
    )  # fmt: skip


def add_ensemble_arguments(parser: CommandParser) -> None:
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--ensemble", metavar="NAME", help="an ensemble of the models folder")
    group.add_argument(
        "--member", action="append", metavar=MEMBER_HELP, help="a model; may be given again"
    )
    parser.add_argument("--threshold", type=float, metavar="T", help="above 0, at most 1")
    parser.add_argument(
        "--modality",
        choices=("xray", "mri", "ct"),
        default="",
        help="what pictures are that do not say so themselves (PNG, JPEG, TIFF, NIfTI)",
    )


def spec_from_options(models_dir: Path, options: dict[str, Any]) -> EnsembleSpec:
    """Return the ensemble that --ensemble or --member and --threshold ask for.

    Raises: CommandError with a sentence, for exit code 2.
    """
    try:
        if options["ensemble"]:
            spec = spec_from_file(models_dir, options["ensemble"])
        else:
            members = [member_from_text(text) for text in options["member"]]
            spec = spec_from_members(models_dir, members)
        return with_threshold(spec, options["threshold"])
    except (InferenceError, ValueError) as error:
        raise misuse(error) from error


def with_threshold(spec: EnsembleSpec, threshold: float | None) -> EnsembleSpec:
    """Return the spec with another threshold. Raises ValueError unless it is in (0, 1]."""
    if threshold is None:
        return spec
    if not 0 < threshold <= 1:
        raise ValueError(f"A threshold lies above 0 and at most at 1, not at {threshold}.")
    return EnsembleSpec.from_json({**spec.to_json(), "threshold": threshold})
