"""Delete the months of the audit trail that are older than the time it is kept."""

from __future__ import annotations

import json

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import ProgrammingError

from accounts.commands import misuse
from accounts.json_answers import AnswersJson
from accounts.services.purging import SHORTEST_YEARS, Purge, purge_planned, trail_purge

YEARS = 6  # what most rules on records ask for; confirm yours


class Command(AnswersJson):
    help = (
        "Purge old months of the audit trail, whole and only from a trail that verifies. Their"
        " checkpoints stay, and a new one signs how many entries are left."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--keep-years", type=int, default=YEARS, help=f"default {YEARS}")
        parser.add_argument("--dry-run", action="store_true", help="say what would go")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *, keep_years: int, dry_run: bool, **options) -> None:
        if keep_years < SHORTEST_YEARS:
            raise misuse("--keep-years: the trail is kept for at least one year.")
        try:
            done = (purge_planned if dry_run else trail_purge)(keep_years=keep_years)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except ProgrammingError as error:
            raise CommandError(
                f"The database refuses: {error}. Run this as the owner of its tables."
            ) from None
        if options["json"]:
            rows = {"rows": done.rows, "after": done.after, "up_to": done.up_to}
            told = rows | {"before": done.month.date().isoformat(), "purged": not dry_run}
            self.stdout.write(json.dumps(told))
            return
        self.stdout.write(_told(done, "would be purged" if dry_run else "purged"))


def _told(done: Purge, verb: str) -> str:
    if not done.rows:
        return f"No signed entries are older than {done.month:%B %Y}: nothing to purge."
    first = done.after + 1
    return f"{done.rows:,} entries {verb}: {first} to {done.up_to}, before {done.month:%B %Y}."
