"""Take up what dead workers left, once; `manage.py worker` does this by itself."""

from __future__ import annotations

from django.core.management.base import BaseCommand

from imaging.services.recovery import recover_all


class Command(BaseCommand):
    help = "Queue again, or after three deaths fail, the work of workers that died."

    def handle(self, **options) -> None:
        self.stdout.write(f"{recover_all()} recovered.")
