"""Take a model in from the command line: a folder, a ZIP, TorchScript and .pt2 too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.commands import misuse, there
from accounts.json_answers import AnswersJson
from imaging.engine.client import EngineError
from imaging.registry.taking import Sent, model_take
from imaging.terminal.taken import taken_facts, taken_lines
from imaging.types import InferenceError


class Command(AnswersJson):
    help = (
        "Convert a model and put it into the registry; two people approve it afterwards. PATH is"
        " a folder with metadata.json, a ZIP of one, or a weight file with --metadata."
        " TorchScript and .pt2 are code: they are run once here, so bring only what you trust."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="the model's folder, a ZIP or a weight file")
        parser.add_argument("--metadata", type=Path, metavar="FILE", help="for one weight file")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *, path: Path, metadata: Path | None, **options: Any) -> None:
        there(path)
        form = _form(metadata)
        try:
            model = model_take(Sent(path.resolve(), path.name, form, trusted=True))
        except (InferenceError, EngineError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(taken_facts(model), ensure_ascii=False, indent=1))
            return
        for line in taken_lines(model):
            self.stdout.write(line)


def _form(metadata: Path | None) -> Any:
    """Read what is said of one weight file. Raises CommandError for what is no JSON file."""
    if metadata is None:
        return None
    try:
        return json.loads(metadata.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise misuse(f"--metadata {metadata}: {error}") from error
