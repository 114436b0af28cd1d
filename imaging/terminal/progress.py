"""A progress bar on a terminal, and silence everywhere else."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Meter:
    """How far a command is: which input, and which step of it."""

    def __init__(self, total: int, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=total)

    def begin(self, label: str) -> None:
        self._label = label[-60:]
        self._bar.update(self._task, description=self._label)

    def step(self, stage: str, done: int, total: int) -> None:
        """Hear the engine's progress."""
        self._bar.update(self._task, description=f"{self._label}: {stage} {done}/{total}")

    def end(self) -> None:
        self._bar.advance(self._task)


@contextlib.contextmanager
def meter(total: int) -> Iterator[Meter]:
    """Show a bar on stderr while the body runs, when stderr is a terminal."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bar:
        yield Meter(total, bar)
