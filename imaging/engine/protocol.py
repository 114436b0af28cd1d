"""The lines that the engine and its parent exchange: one JSON object each, at most 1 MiB."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LINE_LIMIT = 1 << 20
Message = dict[str, Any]


class ProtocolError(Exception):
    """A line that is too long, or is not one JSON object."""


def encode(message: Mapping[str, Any]) -> bytes:
    """Return `message` as one line.

    Raises: ProtocolError when it is longer than LINE_LIMIT or holds NaN, infinity or a
    value that JSON has no word for.
    """
    try:
        line = json.dumps(message, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"
    except (TypeError, ValueError) as error:
        raise ProtocolError(f"a message cannot be written as JSON: {error}") from error
    if len(line) > LINE_LIMIT:
        raise ProtocolError(f"a message of {len(line)} bytes exceeds {LINE_LIMIT}")
    return line


def decode(line: bytes) -> Message:
    """Return the object that one line holds.

    Raises: ProtocolError.
    """
    if len(line) > LINE_LIMIT:
        raise ProtocolError(f"a line of more than {LINE_LIMIT} bytes")
    try:
        message = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a line is not JSON") from error
    if not isinstance(message, dict):
        raise ProtocolError("a line is not a JSON object")
    return message


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")
