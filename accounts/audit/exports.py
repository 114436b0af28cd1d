"""The chosen rows as CSV or JSON, streamed, each with its place in the chain."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice

from accounts.csv_cells import MARK, csv_line, safe
from accounts.models import AuditEvent, AuditSeal

BATCH = 1_000
HEAD = (
    "seq", "id", "at", "actor", "role", "organisation", "ip", "session", "request_id", "action",
    "dicom", "target", "patient", "outcome", "reason", "before", "after", "version", "hmac", "kid",
    "hash",
)  # fmt: skip


def csv_rows(events: Iterable[AuditEvent], *, notice: str) -> Iterator[bytes]:
    """Yield the file line by line; the last line says under which notice it was made."""
    yield MARK
    yield csv_line(HEAD)
    for row in _rows(events):
        seq, *texts = row
        yield csv_line([seq, *map(safe, texts)])
    yield csv_line([safe(f"# {notice}")])


def json_rows(events: Iterable[AuditEvent], *, notice: str) -> Iterator[bytes]:
    """Yield one JSON object: the notice and the rows."""
    yield f'{{"notice": {json.dumps(notice)}, "rows": ['.encode()
    for number, row in enumerate(_rows(events)):
        between = b",\n" if number else b"\n"
        yield between + json.dumps(dict(zip(HEAD, row, strict=True))).encode()
    yield b"\n]}\n"


def _rows(events: Iterable[AuditEvent]) -> Iterator[list]:
    rest = iter(events)
    while batch := list(islice(rest, BATCH)):
        seals = AuditSeal.objects.in_bulk([one.pk for one in batch], field_name="event_id")
        for event in batch:
            yield _row(event, seals.get(event.pk))


def _row(event: AuditEvent, seal: AuditSeal | None) -> list:
    return [
        seal.seq if seal else "",
        str(event.pk),
        event.at.isoformat(),
        str(event.actor_id or ""),
        event.role,
        str(event.organisation_id or ""),
        event.ip,
        event.session,
        event.request_id,
        event.action,
        event.dicom,
        event.target,
        str(event.patient or ""),
        event.outcome,
        event.reason,
        event.before,
        event.after,
        event.version,
        event.hmac,
        str(event.kid or ""),
        seal.hash if seal else "",
    ]
