"""New keys for old data, while people work (docs/operators/keys.md)."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from accounts.commands import misuse
from accounts.json_answers import AnswersJson
from accounts.models import Organisation
from accounts.services import rotation
from accounts.vault.cipher import VaultError
from accounts.vault.kek import current_kek
from accounts.vault.renewal import keys_under_another_kek

LEFT = 1  # exit code: something is left or broken


class Command(AnswersJson):
    help = (
        "Rotate the vault's keys. It may be killed at any moment and run again: it goes on where"
        " it was."
    )
    ends = "Exit codes: 0 all is done, 1 something is left or does not open, 2 asked wrongly."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--kek", action="store_true", help="wrap all keys under VAULT_KEK")
        parser.add_argument("--org", action="append", default=[], metavar="ID",
                            help="a new key for this organisation; may be repeated")  # fmt: skip
        parser.add_argument("--fields", action="store_true",
                            help="new keys for the patients too, every field and file encrypted"
                            " anew; without --org in every organisation")  # fmt: skip
        parser.add_argument("--dry-run", action="store_true", help="count, change nothing")
        parser.add_argument("--verify", action="store_true", help="open everything, change nothing")
        parser.add_argument("--retire", action="store_true",
                            help="destroy the old keys that nothing needs any more")  # fmt: skip
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *, kek, org, fields, dry_run, verify, retire, **options) -> None:
        if not (kek or org or fields or verify or retire):
            raise misuse("Say what to rotate: --kek, --org ID or --fields.")
        if dry_run + verify + retire > 1:
            raise misuse("--dry-run, --verify and --retire exclude each other: give one.")
        organisations = _organisations(org, everybody=fields or not kek)
        self._facts: list[dict[str, Any]] | None = [] if options["json"] else None
        work = self._count if dry_run else self._verify if verify else self._rotate
        clean = True
        if kek or verify:
            clean = self._kek(change=not (dry_run or verify or retire)) or dry_run
        for organisation in organisations:
            if retire:
                clean &= self._retire(organisation)
            else:
                clean &= work(organisation, fields=fields)
        if self._facts is not None:
            self.stdout.write(json.dumps({"clean": bool(clean), "steps": self._facts}, indent=1))
        if not clean:
            sys.exit(LEFT)

    def _say(self, words: str, **facts: Any) -> None:
        """Write a sentence, or keep what it says for the JSON at the end."""
        if self._facts is None:
            self.stdout.write(words)
        else:
            self._facts.append(facts)

    def _kek(self, *, change: bool) -> bool:
        if change:
            with self._bar("KEK") as tell:
                count = rotation.kek_rotate(tell=tell)
            self._say(f"KEK: {count} keys wrapped anew.", step="kek", wrapped=count)
        left = keys_under_another_kek().count()
        kek = current_kek().name
        words = f"every key is wrapped under {kek}; no other is needed."
        if left:
            words = f"{left} keys are wrapped under another one."
        self._say(f"KEK: {words}", step="kek-left", kek=kek, left=left)
        return not left

    def _rotate(self, organisation: Organisation, *, fields: bool) -> bool:
        with self._bar(str(organisation.pk)) as tell:
            done = rotation.organisation_rotate(organisation=organisation, fields=fields, tell=tell)
        facts = {"organisation": str(organisation.pk), **done}
        self._say(f"{organisation.pk}: {_told(done)} under a new key.", step="rotate", **facts)
        return not done["failed"]

    def _count(self, organisation: Organisation, *, fields: bool) -> bool:
        pending = rotation.rotation_pending(organisation)
        facts = {"organisation": str(organisation.pk), **pending}
        self._say(f"{organisation.pk}: {_told(pending)} under an old key.", step="pending", **facts)
        return True

    def _verify(self, organisation: Organisation, **options) -> bool:
        with self._bar(str(organisation.pk)) as tell:
            broken = rotation.rotation_verify(organisation, tell=tell)
        pending = rotation.rotation_pending(organisation)
        lines = [f"{organisation.pk}: {name} does not open." for name in broken]
        lines.append(
            f"{organisation.pk}: {len(broken)} do not open; {_told(pending)} under an old key."
        )
        facts = {"organisation": str(organisation.pk), "broken": list(broken), **pending}
        self._say("\n".join(lines), step="verify", **facts)
        return not broken and not +pending

    def _retire(self, organisation: Organisation) -> bool:
        try:
            count = rotation.keys_retire(organisation=organisation)
        except VaultError as error:
            facts = {"organisation": str(organisation.pk), "refused": str(error)}
            self._say(f"{organisation.pk}: {error}", step="retire", **facts)
            return False
        kept = rotation.keys_replaced(organisation).count()
        words = f"{organisation.pk}: {count} old keys destroyed, {kept} kept."
        if kept:
            words += "\nThey were replaced less than an hour ago; ask again later."
        facts = {"organisation": str(organisation.pk), "destroyed": count, "kept": kept}
        self._say(words, step="retire", **facts)
        return not kept

    @contextmanager
    def _bar(self, title: str) -> Iterator[rotation.Tell]:
        """Count on stderr while the body runs, when stderr is a terminal."""
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False),
                   TimeElapsedColumn())  # fmt: skip
        done: Counter = Counter()
        console = Console(stderr=True)
        with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task(title, total=None)

            def tell(what: str, count: int) -> None:
                done[what] += count
                bar.update(task, description=f"{title}: {_told(done)}")

            yield tell


def _organisations(ids: list[str], *, everybody: bool) -> list[Organisation]:
    if not ids:
        return list(Organisation.objects.all()) if everybody else []
    try:
        return [Organisation.objects.get(pk=one) for one in ids]
    except (Organisation.DoesNotExist, ValidationError):
        raise misuse("--org: there is no such organisation. Its page names its id.") from None


def _told(counts: Counter) -> str:
    named = [f"{counts[what]} {what}" for what in ("keys", "values", "files")]
    return ", ".join(named + ([f"{counts['failed']} FAILED"] if counts["failed"] else []))
