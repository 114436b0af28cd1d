"""What every command of the house keeps to: its help names the exit codes, misuse ends with 2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

MISUSE = 2  # as argparse has it; what was asked rightly and failed ends with 1


class HouseCommand(BaseCommand):
    """A command; `example` is a call of it that its help shows, and `ends` what its codes mean."""

    example = ""
    ends = "Exit codes: 0 done, 1 failed, 2 asked wrongly."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        shown = f"Example: python manage.py {self.example}. " if self.example else ""
        kwargs.setdefault("epilog", shown + self.ends)
        return super().create_parser(prog_name, subcommand, **kwargs)


def misuse(error: Exception | str) -> CommandError:
    """Return the end of a command that was asked wrongly, with exit code 2."""
    return CommandError(str(error), returncode=MISUSE)


def there(path: Path) -> Path:
    """Return `path`, a file or folder. Raises CommandError, exit code 2, where there is none."""
    if not path.exists():
        raise misuse(f"There is no file or folder {path}. Look at the path, and at where you are.")
    return path
