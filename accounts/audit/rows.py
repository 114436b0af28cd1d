"""PURE: a row of the trail as canonical JSON, the bytes that are signed and chained."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring_ascii
from typing import Any

# in this order; a column added later comes with a new FORMAT
COLUMNS = (
    "id", "at", "actor_id", "role", "organisation_id", "ip", "session", "request_id", "action",
    "dicom", "target", "patient", "outcome", "reason", "before", "after", "sealed", "version",
    "kid",
)  # fmt: skip
FORMAT = b"mediscan audit row v1\n"
# what json.dumps makes of such a row, ten times as fast: a million rows are verified at a time
_TEMPLATE = "{%s}" % ",".join(f'"{column}":%s' for column in COLUMNS)  # noqa: UP031
_PLAIN = FORMAT.decode() + _TEMPLATE.replace("%s", '"%s"')
_ITSELF = bytes(code for code in range(0x20, 0x7F) if chr(code) not in '"\\\\')  # as JSON writes it


def canonical(values: Sequence[str]) -> bytes:
    """Return the row whose COLUMNS hold `values`, as the bytes that are signed.

    Each value is text: a UUID in 32 hexadecimal digits, the time in UTC as
    2026-01-31 23:59:59.000000, "" for nothing. Raises TypeError for anything else.
    """
    if not "".join(values).encode("utf-8", "surrogatepass").translate(None, _ITSELF):
        return (_PLAIN % tuple(values)).encode()  # nothing in it has to be escaped
    return FORMAT + (_TEMPLATE % tuple(map(encode_basestring_ascii, values))).encode()


def canonical_json(values: Mapping[str, Any]) -> bytes:
    """Return any JSON-able mapping in one form: sorted names, no blanks."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), default=str).encode()
