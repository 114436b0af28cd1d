"""What a log line looks like: one line per event, never a person in it."""

from __future__ import annotations

import errno
import logging
import re
import traceback
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from accounts.tracing import request_id

LINE_BYTES = 16 * 1024
MESSAGE_CHARS, WORD_CHARS, FRAMES = 4_000, 500, 25
_SECRET = re.compile(r"(/ml/)[A-Za-z0-9_-]{32,}")  # the token in a MONAI Label client's address
SPEAKING = (OperationalError, ImproperlyConfigured)  # their words are about the house, not a person


class RequestIdFilter(logging.Filter):
    """Put the current request's id on every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class Redacted(logging.Filter):
    """For handlers with a formatter of somebody else's: no secret of an address in the line."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redacted(record.getMessage()), None
        return True


class PlainLine(logging.Formatter):
    """For a person at a terminal: readable, and nobody can forge a second line."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's own name
        record.message = escaped(record.message)[:LINE_BYTES]
        return super().formatMessage(record)


class JsonLine(structlog.stdlib.ProcessorFormatter):
    """For machines: one JSON object of at most 16 KB, in ASCII, so that no character ends it.

    An exception gives its kind and its frames but not its message, which may quote a patient.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            processors=[
                _facts,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(default=str),
            ],
            **kwargs,
        )

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        if len(line) > LINE_BYTES:
            record.msg, record.args = record.getMessage()[:WORD_CHARS], None
            record.exc_info = record.exc_text = record.stack_info = None
            line = super().format(record)
        return redacted(line)


def redacted(text: str) -> str:
    """`text` with the secret of an address left out: /ml/***/info/."""
    return _SECRET.sub(r"\1***", text)


def escaped(text: str) -> str:
    """`text` on one line: control characters and the line ends of Unicode as escapes."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def _facts(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    record: logging.LogRecord = event["_record"]
    facts = {
        "level": record.levelname.lower(),
        "logger": record.name[:WORD_CHARS],
        "request_id": getattr(record, "request_id", request_id.get())[:WORD_CHARS],
        "event": str(event["event"])[:MESSAGE_CHARS],
        **_cut(getattr(record, "facts", {})),
    }
    _kind, error, trace = event.get("exc_info") or (None, None, None)
    if error is not None:
        facts |= {"error": _error(error), "frames": _frames(trace)}
    return facts


def _cut(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        name: fact[:WORD_CHARS] if isinstance(fact, str) else fact for name, fact in facts.items()
    }


def _error(error: BaseException | None) -> str:
    name = type(error).__name__
    if isinstance(error, SPEAKING):
        return f"{name}: {error}"[:WORD_CHARS]
    if isinstance(error, OSError) and error.errno in errno.errorcode:
        return f"{name}: {errno.errorcode[error.errno]}"
    return name


def _frames(trace: Any) -> list[str]:
    stack = traceback.extract_tb(trace)[-FRAMES:]
    return [f"{one.filename[-120:]}:{one.lineno} {one.name[:80]}" for one in stack]
