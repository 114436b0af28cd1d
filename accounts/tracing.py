"""One id from the request through the queue and the engine to the log and the trail."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

NONE = "-"
request_id: ContextVar[str] = ContextVar("request_id", default=NONE)


def new_request_id() -> str:
    """Make an id of our own: what a client sends as one is never taken over."""
    return secrets.token_hex(8)


def current_request_id() -> str:
    """The id that a row made now should carry; empty outside of any request or task."""
    value = request_id.get()
    return "" if value == NONE else value


@contextmanager
def traced(value: str) -> Iterator[None]:
    """Everything inside happens for the request `value`: its log lines and rows say so."""
    token = request_id.set(value or NONE)
    try:
        yield
    finally:
        request_id.reset(token)
