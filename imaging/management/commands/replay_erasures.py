"""Whom the ledger names is erased from a restored database too."""

from __future__ import annotations

import json

from django.core.management.base import CommandError

from accounts.json_answers import AnswersJson
from accounts.vault.ledger import LedgerBroken
from imaging.services.erasure import erasures_missing, erasures_replay


class Command(AnswersJson):
    help = "After a restore: erase again whom the erasure ledger names. The start does it too."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count, change nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *, dry_run: bool, **options) -> None:
        try:
            count = len(erasures_missing()) if dry_run else erasures_replay()
        except LedgerBroken as error:
            raise CommandError(f"{error}. Bring the ledger back from its copy.") from None
        verb = "are to be replayed" if dry_run else "were replayed"
        if options["json"]:
            self.stdout.write(json.dumps({"erasures": count, "changed": not dry_run}))
        elif count or options["verbosity"]:
            self.stdout.write(f"{count} erasures {verb}.")
