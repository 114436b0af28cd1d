"""A migration of words: names and help texts of tables, of which the database holds nothing."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.migrations.operations import SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class WordsOnly(SeparateDatabaseAndState):
    """Alter what Django remembers of tables, all at once.

    One after another, each word would draw every table of the house anew: 20 s in all.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        super().__init__(state_operations=operations)

    def deconstruct(self) -> tuple:
        return self.__class__.__name__, [self.state_operations], {}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        state.__dict__.pop("apps", None)  # drawn again, once, for whoever asks for it next
        super().state_forwards(app_label, state)
