"""Read the models folder into the registry."""

from __future__ import annotations

from django.core.management.base import BaseCommand

from imaging.registry import models_sync


class Command(BaseCommand):
    help = "Register new models, check the files of known ones, update the built-in ensembles."

    def handle(self, **options) -> None:
        report = models_sync()
        self.stdout.write(f"Models in service: {', '.join(report.active) or 'none'}.")
        if report.ensembles:
            self.stdout.write(f"Ensembles: {', '.join(report.ensembles)}.")
        for problem in report.problems:
            self.stderr.write(self.style.WARNING(problem))
