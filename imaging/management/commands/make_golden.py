"""Write a golden case into a model folder: a picture, and the answer that it must get again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from accounts.commands import there
from imaging.engine.client import decode_engine, infer_engine
from imaging.terminal.command import TerminalCommand
from imaging.terminal.golden import golden_write
from imaging.terminal.work import EXPECTED, reason


class Command(TerminalCommand):
    help = (
        "Analyse PICTURE with the model of the models folder and keep picture and answer beside it"
        " as its golden case. Whoever takes the model in has it run, within a level of 255."
        " Look at the answer first; give metadata.json a new version."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("model", help="its folder in the models folder")
        parser.add_argument("picture", type=Path, help="of nobody, or one that may be handed on")
        parser.add_argument("--modality", default="", help="for a picture that does not say it")

    def handle(self, *, model: str, picture: Path, modality: str, **options: Any) -> None:
        there(picture)
        infer = infer_engine(memory_mb=settings.ENGINE_MEMORY_CAP_MB)
        try:
            with decode_engine() as decoder:
                golden = golden_write(self.models_dir, model, picture, decoder=decoder,
                                      infer=infer, modality=modality)  # fmt: skip
        except (*EXPECTED, OSError) as error:
            raise CommandError(
                reason(error) if isinstance(error, EXPECTED) else str(error)
            ) from None
        self.stdout.write(f"{model}: {golden['input']} → {golden['expected']}")
