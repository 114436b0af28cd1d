"""Take a model in from the command line: a folder, a ZIP, TorchScript and .pt2 too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

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
        parser.add_argument("path", type=Path)
        parser.add_argument("--metadata", type=Path, metavar="FILE", help="for one weight file")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *, path: Path, metadata: Path | None, **options: Any) -> None:
        if not path.exists():
            raise CommandError(f"There is no file or folder {path}.")
        try:
            form = json.loads(metadata.read_text(encoding="utf-8")) if metadata else None
            model = model_take(Sent(path.resolve(), path.name, form, trusted=True))
        except (OSError, ValueError) as error:
            raise CommandError(f"{metadata}: {error}") from error
        except (InferenceError, EngineError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(taken_facts(model), ensure_ascii=False, indent=1))
            return
        for line in taken_lines(model):
            self.stdout.write(line)
