"""Verify the audit trail: exit code 0 when it is whole, 1 with the first bad entry."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentTypeError
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from django.db.models import Min

from accounts.audit.signing import public_pem
from accounts.commands import misuse
from accounts.json_answers import AnswersJson
from accounts.models import AuditEvent, AuditSeal
from accounts.services.trail import Verdict, trail_check, trail_verify, verification_record


class Command(AnswersJson):
    help = "Verify the audit trail against its keys, its chain and its signed checkpoints."
    ends = "Exit codes: 0 the trail is whole, 1 it is damaged, 2 asked wrongly."

    def add_arguments(self, parser) -> None:
        parser.add_argument(
            "--since", type=_since, default=1, metavar="SEQ|DATE", help="an entry, or 2026-01-31"
        )
        parser.add_argument("--checkpoints", type=Path, metavar="FILE", help="kept outside")
        parser.add_argument("--pubkey", type=Path, metavar="FILE", help="PEM; believe no other")
        parser.add_argument("--processes", type=int, default=os.cpu_count() or 1,
                            help="at most so many at once; default: all processors")  # fmt: skip
        parser.add_argument("--json", action="store_true", help="one JSON object")
        parser.add_argument("--print-pubkey", action="store_true", help="print ours and end")
        parser.add_argument("--quiet", action="store_true", help="tell auditors, not the terminal")

    def handle(
        self, *, since, checkpoints, pubkey, processes, json, print_pubkey, quiet, **options
    ) -> None:
        if print_pubkey:
            self.stdout.write(public_pem(), ending="")
            return
        if quiet:
            verdict = trail_check()
        else:
            verdict = _verified(since, checkpoints, pubkey, processes)
            self.stdout.write(_as_json(verdict) if json else _as_text(verdict))
        if not verdict.is_whole:
            sys.exit(1)


def _verified(
    since: int | datetime, checkpoints: Path | None, pubkey: Path | None, processes: int
) -> Verdict:
    try:
        verdict = trail_verify(
            since=_seq(since), checkpoints=checkpoints, pubkey=pubkey, processes=processes
        )
    except (OSError, ValueError) as error:
        raise misuse(f"A file cannot be read: {error}") from None
    verification_record(user=None, verdict=verdict)
    return verdict


def _since(text: str) -> int | datetime:
    try:
        return int(text) if text.isdigit() else datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise ArgumentTypeError("write an entry's number, or a date such as 2026-01-31") from None


def _seq(since: int | datetime) -> int:
    """Return the first link of that day's rows."""
    if isinstance(since, int):
        return since
    events = AuditEvent.objects.filter(at__gte=since).values("pk")
    return AuditSeal.objects.filter(event_id__in=events).aggregate(first=Min("seq"))["first"] or 1


def _as_text(verdict: Verdict) -> str:
    speed = verdict.rows / verdict.elapsed_s if verdict.elapsed_s else 0
    file = verdict.file or "no checkpoint file: only the table's were compared"
    head = (
        f"{verdict.rows:,} rows, {verdict.checkpoints:,} checkpoints ({file}),"
        f" {verdict.elapsed_s:.1f} s in {verdict.processes} process(es), {speed:,.0f} rows/s"
    )
    if verdict.purged:
        head += f"\nEntries 1 to {verdict.purged:,} were purged; a checkpoint signs it."
    if verdict.first is None:
        return f"{head}\nThe trail is whole up to entry {verdict.up_to}."
    lines = [f"  entry {one.seq}: {one.damage} {one.event}".rstrip() for one in verdict.findings]
    more = [f"  … and {len(lines) - 20} more"] if len(lines) > 20 else []
    first = f"THE TRAIL IS DAMAGED. First bad entry: {verdict.first.seq} ({verdict.first.damage})."
    return "\n".join([head, first, *lines[:20], *more])


def _as_json(verdict: Verdict) -> str:
    first = asdict(verdict.first) if verdict.first else None
    said = asdict(verdict) | {"whole": verdict.is_whole, "first": first}
    return json.dumps(said | {"findings": said["findings"][:100]}, indent=2)
