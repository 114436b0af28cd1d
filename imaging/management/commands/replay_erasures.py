"""Whom the ledger names is erased from a restored database too."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from accounts.vault.ledger import LedgerBroken
from imaging.services.erasure import erasures_missing, erasures_replay


class Command(BaseCommand):
    help = "After a restore: erase again whom the erasure ledger names. The start does it too."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count, change nothing")

    def handle(self, *, dry_run: bool, **options) -> None:
        try:
            count = len(erasures_missing()) if dry_run else erasures_replay()
        except LedgerBroken as error:
            raise CommandError(f"{error}. Bring the ledger back from its copy.") from None
        verb = "are to be replayed" if dry_run else "were replayed"
        if count or options["verbosity"]:
            self.stdout.write(f"{count} erasures {verb}.")
