"""Run the golden cases of registered models on this machine; exit code 1 where one fails."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.commands import misuse
from accounts.json_answers import AnswersJson
from imaging.engine.client import EngineError
from imaging.inference.golden import FAILED
from imaging.models import ModelState, ModelVersion
from imaging.registry.goldens import golden_words
from imaging.registry.taking import model_golden


class Command(AnswersJson):
    help = (
        "Run each model's golden case in the engine child and keep its outcome, which the model's"
        " page shows. A model whose case fails is quarantined with the numbers."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("model", nargs="*", help="names; without any, all that serve or wait")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *, model: list[str], **options: Any) -> None:
        known = ModelVersion.objects.exclude(state=ModelState.RETIRED).order_by("name")
        chosen = [one for one in known if not model or one.name in model]
        if missing := set(model) - {one.name for one in chosen}:
            named = ", ".join(sorted(missing))
            raise misuse(f"There is no model {named} in the registry. See: sync_models --check")
        told = []
        for one in chosen:
            try:
                found = model_golden(one) if "golden" in one.metadata else one
            except EngineError as error:
                raise CommandError(f"{one}: {error}") from error
            words = golden_words(found)
            figures = ", ".join(f"{name} {value}" for name, value in words["figures"])
            told.append({"model": one.name, "version": one.version} | words)
            if not options["json"]:
                self.stdout.write(f"{one}: {words['sentence']} {figures}".rstrip())
        if options["json"]:
            self.stdout.write(json.dumps({"models": told}, default=str, indent=1))
        failed = sum(one["outcome"] == FAILED for one in told)
        if failed:
            raise CommandError(f"{failed} golden cases failed.")
