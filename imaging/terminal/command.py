"""A command that needs no database, whose exit code is 0, 1 (wrong usage) or 2 (some failed)."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from rich.console import Console

from accounts.json_answers import AnswersJson
from imaging.inference.spec import EnsembleSpec, spec_from_file, spec_from_members
from imaging.terminal.members import MEMBER_HELP, member_from_text
from imaging.types import InferenceError

SOME_FAILED = 2
_FILE_WIDTH = 240


class TerminalCommand(AnswersJson):
    requires_system_checks = []
    requires_migrations_checks = False

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        if self._called_from_command_line:
            parser.error = partial(_wrong_usage, parser)  # argparse would exit with 2
        return parser

    @property
    def models_dir(self) -> Path:
        return Path(settings.MODELS_DIR)

    def console(self) -> Console:
        """A table printer on this command's own output; wide lines where nobody's screen ends."""
        width = None if self.stdout.isatty() else _FILE_WIDTH
        return Console(file=self.stdout, highlight=False, markup=False, width=width)

    def some_failed(self, failed: int, total: int, *, how: str = "failed") -> None:
        """End with exit code 2 and a sentence, when anything failed."""
        if failed:
            raise CommandError(f"{failed} of {total} {how}.", returncode=SOME_FAILED)


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

    Raises: CommandError with a sentence.
    """
    try:
        if options["ensemble"]:
            spec = spec_from_file(models_dir, options["ensemble"])
        else:
            members = [member_from_text(text) for text in options["member"]]
            spec = spec_from_members(models_dir, members)
        return with_threshold(spec, options["threshold"])
    except (InferenceError, ValueError) as error:
        raise CommandError(str(error)) from error


def with_threshold(spec: EnsembleSpec, threshold: float | None) -> EnsembleSpec:
    """Return the spec with another threshold. Raises ValueError unless it is in (0, 1]."""
    if threshold is None:
        return spec
    if not 0 < threshold <= 1:
        raise ValueError(f"A threshold lies above 0 and at most at 1, not at {threshold}.")
    return EnsembleSpec.from_json({**spec.to_json(), "threshold": threshold})


def _wrong_usage(parser: CommandParser, message: str) -> None:
    parser.print_usage(sys.stderr)
    parser.exit(1, f"{parser.prog}: {message}\n")
