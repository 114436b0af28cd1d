"""PURE: a row of the trail as canonical JSON, the bytes that are signed and chained."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

# in this order; a column added later comes with a new FORMAT
COLUMNS = (
    "id", "at", "actor_id", "role", "organisation_id", "ip", "session", "request_id", "action",
    "dicom", "target", "patient", "outcome", "reason", "before", "after", "sealed", "version",
    "kid",
)  # fmt: skip
FORMAT = b"mediscan audit row v1\n"
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def canonical(values: Sequence[str]) -> bytes:
    """Return the row whose COLUMNS hold `values`, as the bytes that are signed.

    Each value is text: a UUID in 32 hexadecimal digits, the time in UTC as
    2026-01-31 23:59:59.000000, "" for nothing.
    """
    return FORMAT + _encode(dict(zip(COLUMNS, values, strict=True))).encode()


def canonical_json(values: Mapping[str, Any]) -> bytes:
    """Return any JSON-able mapping in one form: sorted names, no blanks."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), default=str).encode()


def sha256(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()
