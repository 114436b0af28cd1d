"""Bring models folder, store and registry into line, or only say where they differ."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser

from imaging.registry import models_sync
from imaging.registry.looking import models_compare


class Command(BaseCommand):
    help = "Register new models, check the files of known ones, update the built-in ensembles."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="change nothing; name what is new, changed or missing; exit code 1 if anything is",
        )

    def handle(self, *, check: bool, **options) -> None:
        if check:
            return self._compare()
        report = models_sync()
        self.stdout.write(f"Models in service: {', '.join(report.active) or 'none'}.")
        if report.ensembles:
            self.stdout.write(f"Ensembles: {', '.join(report.ensembles)}.")
        for problem in report.problems:
            self.stderr.write(self.style.WARNING(problem))

    def _compare(self) -> None:
        found = models_compare()
        for difference in found:
            self.stdout.write(f"{difference.kind}: {difference.model}. {difference.words}".rstrip())
        if found:
            raise CommandError(f"{len(found)} differences. Run: manage.py sync_models")
        self.stdout.write("Models folder, store and registry agree.")
