"""Backups: a pair of keys, a sealed file, a look into one, a word when the last is old."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from accounts.commands import misuse, there
from accounts.json_answers import AnswersJson
from accounts.services.backups import backup_late_tell, backup_record
from accounts.vault.cipher import VaultError
from mediscan.backup.database import NoSuchProgram
from mediscan.backup.envelope import NotOurs, key_pair
from mediscan.backup.house import Unsteady, backup_make
from mediscan.backup.restoring import backup_check

TROUBLE = (OSError, NotOurs, VaultError, NoSuchProgram, Unsteady)


class Command(AnswersJson):
    help = (
        "One file with the database, the encrypted files and the models, sealed to a public key."
        " Neither VAULT_KEK nor the erasure ledger is in it."
    )

    def add_arguments(self, parser) -> None:
        parts = parser.add_subparsers(dest="part", required=True)
        keys = self._part(parts, "keys", "make a pair: keep backup-private.pem on another machine")
        keys.add_argument("folder", type=Path, help="where both halves are written")
        make = self._part(parts, "make", "write a backup; people go on working")
        make.add_argument("file", type=Path, help="what is written; it must not be there")
        make.add_argument("--to", type=Path, metavar="PEM", help="default: $BACKUP_RECIPIENT")
        check = self._part(parts, "check", "read a backup to its last byte; change nothing")
        check.add_argument("file", type=Path, help="a backup")
        check.add_argument("--key", type=Path, required=True, metavar="PEM", help="private half")
        self._part(parts, "late", "tell administrators if the last one is too old")

    def _part(self, parts, name: str, words: str) -> ArgumentParser:
        part = parts.add_parser(name, help=words, description=words)
        part.add_argument("--json", action="store_true", help="one JSON object")
        return part

    def handle(self, *, part: str, **options: Any) -> None:
        try:
            said, words = getattr(self, f"_{part}")(**options)
        except TROUBLE as error:
            raise CommandError(f"{options.get('file') or options.get('folder')}: {error}") from None
        self.stdout.write(json.dumps(said, indent=1) if options["json"] else words)
        if said.get("late"):
            sys.exit(1)

    def _keys(self, *, folder: Path, **options: Any) -> tuple[dict, str]:
        private, public = folder / "backup-private.pem", folder / "backup-public.pem"
        folder.mkdir(parents=True, exist_ok=True)
        name = key_pair(private, public)
        return {"key": name, "private": str(private), "public": str(public)}, (
            f"Key {name}.\n{public}: name it as BACKUP_RECIPIENT.\n{private}: opens every backup"
            " made to it. Take it off this machine; two people keep a copy."
        )

    def _make(self, *, file: Path, to: Path | None, **options: Any) -> tuple[dict, str]:
        if to is None and not settings.BACKUP_RECIPIENT:
            raise misuse("Say to whom: --to backup-public.pem, or set BACKUP_RECIPIENT.")
        made = backup_make(file, there(to or Path(settings.BACKUP_RECIPIENT)))
        backup_record(backup=made.backup, files=made.files)
        return asdict(made), (
            f"{made.file}: {made.files:,} files, {made.size / 1e6:,.1f} MB."
            f" {made.gone} were deleted meanwhile.\nThe KEK and the erasure ledger are not in it:"
            " keep both elsewhere."
        )

    def _check(self, *, file: Path, key: Path, **options: Any) -> tuple[dict, str]:
        facts = backup_check(there(file), there(key))
        size = sum(one["size"] for one in facts["members"])
        said = {name: facts[name] for name in ("backup", "made", "version", "database", "kek")}
        said |= {"files": len(facts["members"]), "size": size}
        return said, (
            f"Whole: {said['files']:,} files, {size / 1e6:,.1f} MB, made {said['made']} by version"
            f" {said['version']} on {said['database']}; it needs the KEK {said['kek']}."
        )

    def _late(self, **options: Any) -> tuple[dict, str]:
        hours = backup_late_tell(within_hours=settings.BACKUP_WITHIN_HOURS)
        if hours is None:
            return {"late": False}, "No backup is late."
        return {"late": True, "hours": hours}, f"There was no backup for {hours} hours."
