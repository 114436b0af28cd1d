"""A house from a backup, on an empty machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.commands import there
from accounts.json_answers import AnswersJson
from accounts.services.backups import restore_record
from mediscan.backup.restoring import NotRestored, backup_restore
from mediscan.management.commands.backup import TROUBLE


class Command(AnswersJson):
    help = (
        "Restore a backup into an empty database and an empty data folder. The same version, the"
        " KEK of that house and its erasure ledger are needed; all is checked before anything is"
        " touched."
    )
    ends = "Exit codes: 0 done, 1 nothing was changed, 2 asked wrongly."
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser) -> None:
        parser.add_argument("file", type=Path, help="a backup")
        parser.add_argument("--key", type=Path, required=True, metavar="PEM", help="private half")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *, file: Path, key: Path, json: bool, **options: Any) -> None:
        try:
            restored = backup_restore(there(file), there(key))
        except (*TROUBLE, NotRestored) as error:
            raise CommandError(f"{file}: {error}") from None
        restore_record(backup=restored.backup, made=restored.made)
        call_command("replay_erasures", stdout=self.stderr)
        self.stdout.write(_as_json(restored) if json else _as_text(restored))


def _as_json(restored) -> str:
    return json.dumps(asdict(restored), indent=1)


def _as_text(restored) -> str:
    size = f"{restored.files:,} files, {restored.size / 1e6:,.1f} MB"
    return (
        f"Restored: {size}, as of {restored.made}.\n"
        "Start the site, then: manage.py verify_audit. What the trail says of the time after the"
        " backup is lost; newer checkpoints, kept elsewhere, name it."
    )
