"""Bring models folder, store and registry into line, or only say where they differ."""

from __future__ import annotations

import json
from dataclasses import asdict

from django.core.management.base import CommandError, CommandParser

from accounts.json_answers import AnswersJson
from imaging.registry import models_sync
from imaging.registry.looking import models_compare


class Command(AnswersJson):
    help = "Register new models, check the files of known ones, update the built-in ensembles."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="change nothing; name what is new, changed or missing; exit code 1 if anything is",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *, check: bool, **options) -> None:
        if check:
            return self._compare(options["json"])
        report = models_sync()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report), ensure_ascii=False, indent=1))
            return
        self.stdout.write(f"Models in service: {', '.join(report.active) or 'none'}.")
        if report.ensembles:
            self.stdout.write(f"Ensembles: {', '.join(report.ensembles)}.")
        for problem in report.problems:
            self.stderr.write(self.style.WARNING(problem))

    def _compare(self, as_json: bool) -> None:
        found = models_compare()
        if as_json:
            told = {"differences": [asdict(one) for one in found]}
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=1))
        else:
            for one in found:
                self.stdout.write(f"{one.kind}: {one.model}. {one.words}".rstrip())
        if found:
            raise CommandError(f"{len(found)} differences. Run: manage.py sync_models")
        if not as_json:
            self.stdout.write("Models folder, store and registry agree.")
